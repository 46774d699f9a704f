import { kafkaTargets } from "./kafka.ts";
import { kafkaRequestTargets } from "./kafka-requests.ts";
import { mesosTargets } from "./mesos.ts";
import { mesosEngineTarget } from "./mesos-engine.ts";
import type { FuzzTarget } from "./target.ts";
import { zooKeeperTargets } from "./zookeeper.ts";

/** Every decoder of bytes that come from elsewhere. */
export const fuzzTargets: readonly FuzzTarget[] = [
  ...kafkaTargets,
  ...kafkaRequestTargets,
  ...mesosTargets,
  mesosEngineTarget,
  ...zooKeeperTargets,
];
