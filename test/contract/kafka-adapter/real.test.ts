import { test } from "bun:test";
import { noRealKafka, startRealKafka } from "../../support/real-kafka.ts";
import { kafkaAdapterSuite } from "./suite.ts";

if (noRealKafka === undefined) {
  kafkaAdapterSuite({
    name: "a real Kafka",
    start: startRealKafka,
    skip: Bun.which("kcat") === null ? { kcat: "kcat is not installed" } : {},
  });
} else {
  test.skip(`the Kafka adapter at a real Kafka (${noRealKafka})`, () => undefined);
}
