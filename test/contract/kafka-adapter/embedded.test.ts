import { startEmbedded } from "./embedded-broker.ts";
import { kafkaAdapterSuite } from "./suite.ts";

kafkaAdapterSuite({
  name: "the embedded Kafka",
  start: startEmbedded,
  skip: {
    compaction: "the embedded Kafka does not compact",
    ...(Bun.which("kcat") === null ? { kcat: "kcat is not installed" } : {}),
  },
});
