import { test } from "bun:test";
import { parseHostPort } from "../../../src/config/addresses.ts";
import { kafkaAdapterSuite } from "./suite.ts";

/** A broker that does not make topics by itself: `auto.create.topics.enable=false`. */
const address = parseHostPort(process.env.BRIGADE_TEST_KAFKA ?? "");

if (address === undefined) {
  test.skip("the Kafka adapter at a real Kafka (BRIGADE_TEST_KAFKA does not name one as host:port)", () => undefined);
} else {
  kafkaAdapterSuite({
    name: "a real Kafka",
    start: () => Promise.resolve({ address, [Symbol.asyncDispose]: () => Promise.resolve() }),
    skip: {
      restart: "it belongs to somebody else",
      ...(Bun.which("kcat") === null ? { kcat: "kcat is not installed" } : {}),
    },
  });
}
