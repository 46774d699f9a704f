import type { SaslUsers } from "./sasl/plain.ts";

/** What a Kafka administrator may set in a broker's `server.properties`, under those names in camel case. */
export interface BrokerConfig {
  readonly nodeId: number;
  /** Whether asking for an unknown topic makes it. Default true, as in Kafka. */
  readonly autoCreateTopics: boolean;
  /** Partitions of a topic that is made without a number (Kafka's `num.partitions`). Default 1. */
  readonly defaultPartitions: number;
  /** Largest record batch. Default 1 048 588. */
  readonly messageMaxBytes: number;
  /** Largest metadata string of a committed offset, in bytes of UTF-8. Default 4096. */
  readonly offsetMetadataMaxBytes: number;
  /** Largest request. Default 100 MiB. */
  readonly socketRequestMaxBytes: number;
  /** Most bytes of records in one response, but always one batch. Default 55 MiB. */
  readonly fetchMaxBytes: number;
  /** A connection on which nothing happens for so long is closed. Default 10 min. */
  readonly connectionsMaxIdleMs: number;
  /** Default 6 s. */
  readonly groupMinSessionTimeoutMs: number;
  /** Default 30 min. */
  readonly groupMaxSessionTimeoutMs: number;
  /** How long an empty group waits for more members after the first. Default 0, as in Kafka's own quick start. */
  readonly groupInitialRebalanceDelayMs: number;
  /** Most members of a group. Default 10 000. */
  readonly groupMaxSize: number;
  /** Who may use the broker, with their passwords (SASL, mechanism PLAIN). Default undefined: everybody may. */
  readonly users: SaslUsers | undefined;
  /** Most fetch sessions; who gets none sends whole fetches. Default 1000. */
  readonly fetchSessionSlots: number;
  /** Longest time that a producer may give its transactions. Default 15 min. */
  readonly transactionMaxTimeoutMs: number;
  /** How old records of a topic get that sets nothing else; −1: as they like. Default 7 days. */
  readonly logRetentionMs: number;
  /** How large a partition of a topic gets that sets nothing else, before the oldest records go; −1: no limit. Default −1. */
  readonly logRetentionBytes: number;
  /** Pause between two looks at what is too old or too large. Default 5 min. */
  readonly logRetentionCheckIntervalMs: number;
}

export const defaultBrokerConfig: BrokerConfig = {
  nodeId: 1,
  autoCreateTopics: true,
  defaultPartitions: 1,
  messageMaxBytes: 1_048_588,
  offsetMetadataMaxBytes: 4096,
  socketRequestMaxBytes: 104_857_600,
  fetchMaxBytes: 57_671_680,
  connectionsMaxIdleMs: 600_000,
  groupMinSessionTimeoutMs: 6000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupInitialRebalanceDelayMs: 0,
  groupMaxSize: 10_000,
  users: undefined,
  fetchSessionSlots: 1000,
  transactionMaxTimeoutMs: 900_000,
  logRetentionMs: 604_800_000,
  logRetentionBytes: -1,
  logRetentionCheckIntervalMs: 300_000,
};
