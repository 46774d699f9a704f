import type { Broker } from "../broker.ts";
import { topicNameProblem } from "../log/topic-name.ts";
import {
  ConfigResourceType,
  type DescribeConfigsRequest,
  type DescribeConfigsResource,
  type DescribeConfigsResponse,
  type DescribeConfigsResult,
  type DescribedConfig,
} from "../messages/describe-configs.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import { brokerConfigValues, topicConfigValues } from "./config-values.ts";

export function handleDescribeConfigs(broker: Broker, request: DescribeConfigsRequest): DescribeConfigsResponse {
  const { resources, includeSynonyms } = request;
  const results = resources.map((resource) => describe(broker, resource));
  return { results: includeSynonyms ? results : results.map(withoutSynonyms) };
}

function withoutSynonyms(result: DescribeConfigsResult): DescribeConfigsResult {
  return { ...result, configs: result.configs.map((config) => ({ ...config, synonyms: [] })) };
}

function describe(broker: Broker, resource: DescribeConfigsResource): DescribeConfigsResult {
  const { resourceType, resourceName, configurationKeys } = resource;
  // None named asks for all, as null does.
  const wanted = ({ name }: DescribedConfig): boolean =>
    configurationKeys === null || configurationKeys.length === 0 || configurationKeys.includes(name);
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
      return described(topicConfigValues(topic, broker.config));
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
      return described(brokerConfigValues(broker.config));
    }
    default:
      return failed(ErrorCode.INVALID_REQUEST, `Unsupported resource type: ${resourceType}`);
  }
}
