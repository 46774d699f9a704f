import { test } from "bun:test";
import { kafkaVersions, noRealKafka, startRealKafka } from "../../support/real-kafka.ts";
import { kafkaContract } from "./contract.ts";

for (const version of kafkaVersions) {
  const missing = noRealKafka(version);
  if (missing === undefined) kafkaContract({ name: `Kafka ${version}`, start: () => startRealKafka({ version }) });
  else test.skip(`Kafka's contract, by Kafka ${version} (skipped: ${missing})`, () => undefined);
}
