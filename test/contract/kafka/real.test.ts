import { test } from "bun:test";
import { parseHostPort } from "../../../src/config/addresses.ts";
import { kafkaContract } from "./contract.ts";

/** A broker that does not make topics by itself: `auto.create.topics.enable=false`. */
const address = parseHostPort(process.env["BRIGADE_TEST_KAFKA"] ?? "");

if (address === undefined) {
  test.skip("Kafka's contract, by a real Kafka (BRIGADE_TEST_KAFKA does not name one as host:port)", () => undefined);
} else {
  const foreign = "the broker belongs to somebody else and is not restarted";
  const running = { address, restart: () => Promise.reject(new Error(foreign)), stop: () => Promise.resolve() };
  kafkaContract({
    name: "a real Kafka",
    start: () => Promise.resolve(running),
    skip: {
      "of an idempotent producer gives each batch one place, also after a restart": foreign,
      "keep committed offsets with their metadata over a restart of the broker": foreign,
    },
  });
}
