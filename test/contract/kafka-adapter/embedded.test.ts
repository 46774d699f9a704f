import { startEmbedded } from "./embedded-broker.ts";
import { kafkaAdapterSuite } from "./suite.ts";

kafkaAdapterSuite({ name: "the embedded Kafka", start: startEmbedded, compacts: false });
