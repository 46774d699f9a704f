import { brigadeTargets } from "./brigade.ts";
import { configTargets } from "./config.ts";
import { dockerTargets } from "./docker.ts";
import { kafkaTargets } from "./kafka.ts";
import { kafkaBrokerTarget } from "./kafka-broker.ts";
import { kafkaRequestTargets } from "./kafka-requests.ts";
import { mesosTargets } from "./mesos.ts";
import { mesosEngineTarget, mesosRequestTarget } from "./mesos-engine.ts";
import { mesosFactTargets } from "./mesos-facts.ts";
import type { FuzzTarget } from "./target.ts";
import { zooKeeperTargets } from "./zookeeper.ts";

/** Every decoder of bytes that come from elsewhere. */
export const fuzzTargets: readonly FuzzTarget[] = [
  ...kafkaTargets,
  ...kafkaRequestTargets,
  kafkaBrokerTarget,
  ...mesosTargets,
  ...mesosFactTargets,
  mesosEngineTarget,
  mesosRequestTarget,
  ...zooKeeperTargets,
  ...brigadeTargets,
  ...dockerTargets,
  ...configTargets,
];
