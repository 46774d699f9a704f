import { test } from "bun:test";
import { noRealKafka, startRealKafka } from "../../support/real-kafka.ts";
import { kafkaContract } from "./contract.ts";

if (noRealKafka === undefined) {
  kafkaContract({
    name: "a real Kafka",
    start: startRealKafka,
    skip: {
      "of an idempotent producer gives each batch one place, also after a restart":
        "Kafka 3.9.1 writes a batch that is repeated after its restart a second time; the embedded one does not",
    },
  });
} else test.skip(`Kafka's contract, by a real Kafka (${noRealKafka})`, () => undefined);
