import { kafkaContract } from "./contract.ts";
import { startEmbedded } from "./embedded.ts";

kafkaContract({ name: "the embedded broker", start: () => startEmbedded() });
