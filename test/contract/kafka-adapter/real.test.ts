import { test } from "bun:test";
import { kafkaVersions, noRealKafka, startRealKafka } from "../../support/real-kafka.ts";
import { kafkaAdapterSuite } from "./suite.ts";

for (const version of kafkaVersions) {
  const missing = noRealKafka(version);
  if (missing === undefined) {
    kafkaAdapterSuite({ name: `Kafka ${version}`, start: () => startRealKafka({ version }), compacts: true });
  } else {
    test.skip(`the Kafka adapter at Kafka ${version} (skipped: ${missing})`, () => undefined);
  }
}
