import type { Broker } from "../broker.ts";
import type { BrokerConfig } from "../broker-config.ts";
import type { Topic } from "../log/topic-catalog.ts";
import { type ConfigValueType, topicConfigs } from "../log/topic-config.ts";
import { topicNameProblem } from "../log/topic-name.ts";
import {
  ConfigResourceType,
  ConfigSource,
  ConfigType,
  type DescribeConfigsRequest,
  type DescribeConfigsResource,
  type DescribeConfigsResponse,
  type DescribeConfigsResult,
  type DescribedConfig,
} from "../messages/describe-configs.ts";
import { ErrorCode } from "../protocol/error-codes.ts";

const typeNumbers: Readonly<Record<ConfigValueType, ConfigType>> = {
  int: ConfigType.INT,
  long: ConfigType.LONG,
  string: ConfigType.STRING,
  list: ConfigType.LIST,
};

export function handleDescribeConfigs(broker: Broker, { resources }: DescribeConfigsRequest): DescribeConfigsResponse {
  return { results: resources.map((resource) => describe(broker, resource)) };
}

function describe(broker: Broker, resource: DescribeConfigsResource): DescribeConfigsResult {
  const { resourceType, resourceName, configurationKeys } = resource;
  const wanted = ({ name }: DescribedConfig): boolean => configurationKeys === null || configurationKeys.includes(name);
  const failed = (errorCode: ErrorCode, errorMessage: string): DescribeConfigsResult => {
    return { errorCode, errorMessage, resourceType, resourceName, configs: [] };
  };
  const described = (configs: readonly DescribedConfig[]): DescribeConfigsResult => {
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      resourceType,
      resourceName,
      configs: configs.filter(wanted),
    };
  };
  switch (resourceType) {
    case ConfigResourceType.TOPIC: {
      const nameProblem = topicNameProblem(resourceName);
      if (nameProblem !== undefined) return failed(ErrorCode.INVALID_TOPIC_EXCEPTION, nameProblem);
      const topic = broker.topics.get(resourceName);
      if (topic === undefined)
        return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "This server does not host this topic");
      return described(ofTopic(topic, broker.config));
    }
    case ConfigResourceType.BROKER: {
      const { nodeId } = broker.config;
      // An empty name asks for what is set for all brokers at run time: nothing is.
      if (resourceName === "") return described([]);
      if (resourceName !== String(nodeId)) {
        return failed(
          ErrorCode.INVALID_REQUEST,
          `Unexpected broker id, expected ${nodeId}, but received ${resourceName}`,
        );
      }
      return described(ofBroker(broker.config));
    }
    default:
      return failed(ErrorCode.INVALID_REQUEST, `Unsupported resource type: ${resourceType}`);
  }
}

function ofTopic(topic: Topic, broker: BrokerConfig): DescribedConfig[] {
  return topicConfigs.map(({ name, type, defaultOf }) => {
    const set = topic.configs.get(name);
    return {
      name,
      value: set ?? defaultOf(broker),
      readOnly: false,
      source: set === undefined ? ConfigSource.DEFAULT : ConfigSource.TOPIC,
      type: typeNumbers[type],
    };
  });
}

function ofBroker(config: BrokerConfig): DescribedConfig[] {
  const values: readonly (readonly [name: string, value: number | boolean, type: ConfigType])[] = [
    ["auto.create.topics.enable", config.autoCreateTopics, ConfigType.BOOLEAN],
    ["connections.max.idle.ms", config.connectionsMaxIdleMs, ConfigType.LONG],
    ["default.replication.factor", 1, ConfigType.INT],
    ["fetch.max.bytes", config.fetchMaxBytes, ConfigType.INT],
    ["group.initial.rebalance.delay.ms", config.groupInitialRebalanceDelayMs, ConfigType.INT],
    ["group.max.session.timeout.ms", config.groupMaxSessionTimeoutMs, ConfigType.INT],
    ["group.max.size", config.groupMaxSize, ConfigType.INT],
    ["group.min.session.timeout.ms", config.groupMinSessionTimeoutMs, ConfigType.INT],
    ["message.max.bytes", config.messageMaxBytes, ConfigType.INT],
    ["node.id", config.nodeId, ConfigType.INT],
    ["num.partitions", config.defaultPartitions, ConfigType.INT],
    ["offset.metadata.max.bytes", config.offsetMetadataMaxBytes, ConfigType.INT],
    ["socket.request.max.bytes", config.socketRequestMaxBytes, ConfigType.INT],
  ];
  return values.map(([name, value, type]) => {
    return { name, value: String(value), readOnly: true, source: ConfigSource.STATIC_BROKER, type };
  });
}
