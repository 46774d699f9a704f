import { type BrokerConfig, defaultBrokerConfig } from "../broker-config.ts";
import type { Topic } from "../log/topic-catalog.ts";
import { type ConfigValueType, items, type TopicConfigDefinition, topicConfigs } from "../log/topic-config.ts";
import { ConfigSource, type ConfigSynonym, ConfigType, type DescribedConfig } from "../messages/describe-configs.ts";

const typeNumbers: Readonly<Record<ConfigValueType, ConfigType>> = {
  boolean: ConfigType.BOOLEAN,
  int: ConfigType.INT,
  long: ConfigType.LONG,
  double: ConfigType.DOUBLE,
  string: ConfigType.STRING,
  list: ConfigType.LIST,
};

/** All settings of a topic, each with where its value comes from. */
export function topicConfigValues({ configs }: Pick<Topic, "configs">, broker: BrokerConfig): DescribedConfig[] {
  return topicConfigs.map((definition) => {
    const { name, type } = definition;
    const set = configs.get(name);
    // Lists are shown without the blanks that somebody may have typed.
    const value = type === "list" ? items(set ?? "").join(",") : (set ?? "");
    const own = set === undefined ? [] : [{ name, value, source: ConfigSource.TOPIC }];
    const synonyms = [...own, ...inheritedFrom(definition, broker)];
    const [first] = synonyms;
    return {
      name,
      value: first?.value ?? definition.byDefault,
      source: first?.source ?? ConfigSource.DEFAULT,
      readOnly: false,
      type: typeNumbers[type],
      synonyms,
    };
  });
}

/** What a topic follows that sets nothing: the broker's setting where it was given, and behind it Kafka's default. */
function inheritedFrom({ byDefault, brokerName, brokerValue }: TopicConfigDefinition, broker: BrokerConfig) {
  if (brokerName === undefined) return [];
  const synonyms: ConfigSynonym[] = [{ name: brokerName, value: byDefault, source: ConfigSource.DEFAULT }];
  const given = brokerValue === undefined ? byDefault : String(brokerValue(broker));
  if (given !== byDefault) synonyms.unshift({ name: brokerName, value: given, source: ConfigSource.STATIC_BROKER });
  return synonyms;
}

/** Settings of the broker under Kafka's names. They are given at its start, and cannot be changed while it runs. */
export function brokerConfigValues(config: BrokerConfig): DescribedConfig[] {
  const { BOOLEAN, INT, LONG } = ConfigType;
  type Row = readonly [name: string, valueOf: (config: BrokerConfig) => number | boolean, type: ConfigType];
  const rows: readonly Row[] = [
    ["auto.create.topics.enable", (given) => given.autoCreateTopics, BOOLEAN],
    ["connections.max.idle.ms", (given) => given.connectionsMaxIdleMs, LONG],
    ["default.replication.factor", () => 1, INT],
    ["fetch.max.bytes", (given) => given.fetchMaxBytes, INT],
    ["group.initial.rebalance.delay.ms", (given) => given.groupInitialRebalanceDelayMs, INT],
    ["group.max.session.timeout.ms", (given) => given.groupMaxSessionTimeoutMs, INT],
    ["group.max.size", (given) => given.groupMaxSize, INT],
    ["group.min.session.timeout.ms", (given) => given.groupMinSessionTimeoutMs, INT],
    ["log.retention.bytes", (given) => given.logRetentionBytes, LONG],
    ["log.retention.check.interval.ms", (given) => given.logRetentionCheckIntervalMs, LONG],
    ["log.retention.ms", (given) => given.logRetentionMs, LONG],
    ["max.incremental.fetch.session.cache.slots", (given) => given.fetchSessionSlots, INT],
    ["message.max.bytes", (given) => given.messageMaxBytes, INT],
    ["min.insync.replicas", () => 1, INT],
    ["node.id", (given) => given.nodeId, INT],
    ["num.partitions", (given) => given.defaultPartitions, INT],
    ["offset.metadata.max.bytes", (given) => given.offsetMetadataMaxBytes, INT],
    ["socket.request.max.bytes", (given) => given.socketRequestMaxBytes, INT],
    ["transaction.max.timeout.ms", (given) => given.transactionMaxTimeoutMs, INT],
  ];
  return rows.map(([name, valueOf, type]) => {
    const value = String(valueOf(config));
    const byDefault = { name, value: String(valueOf(defaultBrokerConfig)), source: ConfigSource.DEFAULT };
    const given = { name, value, source: ConfigSource.STATIC_BROKER };
    const synonyms = value === byDefault.value ? [byDefault] : [given, byDefault];
    return { name, value, readOnly: true, source: synonyms[0]?.source ?? ConfigSource.DEFAULT, type, synonyms };
  });
}
