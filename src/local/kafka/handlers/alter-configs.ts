import { repeatedIn } from "../../../base/repeated.ts";
import type { Broker } from "../broker.ts";
import { items, topicConfig, topicConfigProblem, topicConfigsProblem } from "../log/topic-config.ts";
import { topicNameProblem } from "../log/topic-name.ts";
import {
  type AlterConfigsRequest,
  type AlterConfigsResponse,
  type AlteredConfig,
  type AlteredResource,
  ConfigOperation,
} from "../messages/alter-configs.ts";
import { ConfigResourceType } from "../messages/describe-configs.ts";
import { ErrorCode } from "../protocol/error-codes.ts";

type Configs = ReadonlyMap<string, string>;
type Problem = readonly [errorCode: ErrorCode, message: string];

/** Changes what is named of each resource, or nothing of it. */
export function handleIncrementalAlterConfigs(broker: Broker, request: AlterConfigsRequest): AlterConfigsResponse {
  return alterAll(broker, request, (before) => new Map(before));
}

/** Replaces all that each resource sets. */
export function handleAlterConfigs(broker: Broker, request: AlterConfigsRequest): AlterConfigsResponse {
  return alterAll(broker, request, () => new Map());
}

function alterAll(
  broker: Broker,
  { resources, validateOnly }: AlterConfigsRequest,
  startFrom: (before: Configs) => Map<string, string>,
): AlterConfigsResponse {
  const repeated = repeatedIn(resources.map(keyOf));
  return {
    results: resources.map((resource) => {
      const { resourceType, resourceName } = resource;
      const problem: Problem | undefined = repeated.has(keyOf(resource))
        ? [ErrorCode.INVALID_REQUEST, "Each resource must appear at most once."]
        : alter(broker, resource, startFrom, validateOnly);
      const [errorCode, errorMessage] = problem ?? [ErrorCode.NONE, null];
      return { errorCode, errorMessage, resourceType, resourceName };
    }),
  };
}

function keyOf({ resourceType, resourceName }: AlteredResource): string {
  return `${resourceType} ${resourceName}`;
}

function alter(
  broker: Broker,
  { resourceType, resourceName, configs }: AlteredResource,
  startFrom: (before: Configs) => Map<string, string>,
  validateOnly: boolean,
): Problem | undefined {
  if (resourceType === ConfigResourceType.BROKER) {
    const names = configs.map(({ name }) => name).join(", ");
    return [ErrorCode.INVALID_REQUEST, `Cannot update these configs dynamically: ${names}`];
  }
  if (resourceType !== ConfigResourceType.TOPIC) {
    return [ErrorCode.INVALID_REQUEST, `Unexpected resource type ${resourceType}`];
  }
  const topic = broker.topics.get(resourceName);
  if (resourceName === "") return [ErrorCode.INVALID_REQUEST, "Default topic resources are not allowed."];
  const nameProblem = topicNameProblem(resourceName);
  if (nameProblem !== undefined) return [ErrorCode.INVALID_TOPIC_EXCEPTION, nameProblem];
  if (topic === undefined) {
    return [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resourceName}' does not exist.`];
  }
  if (new Set(configs.map(({ name }) => name)).size < configs.length) {
    return [ErrorCode.INVALID_REQUEST, "Error due to duplicate config keys"];
  }
  const next = startFrom(topic.configs);
  for (const config of configs) {
    const problem = change(next, config);
    if (problem !== undefined) return problem;
  }
  const conflict = topicConfigsProblem(next);
  if (conflict !== undefined) return [ErrorCode.INVALID_CONFIG, conflict];
  if (validateOnly) return undefined;
  broker.topics.configure(topic, next);
  broker.log.info("kafka topic configured", { topic: resourceName, configs: Object.fromEntries(next) });
  return undefined;
}

function change(configs: Map<string, string>, { name, operation, value }: AlteredConfig): Problem | undefined {
  if (operation === ConfigOperation.DELETE) {
    configs.delete(name);
    return undefined;
  }
  const definition = topicConfig(name);
  if (definition === undefined) return [ErrorCode.INVALID_CONFIG, `Unknown topic config name: ${name}`];
  if (value === null) return [ErrorCode.INVALID_REQUEST, `Null value not supported for : ${name}`];
  let next = value;
  if (operation === ConfigOperation.APPEND || operation === ConfigOperation.SUBTRACT) {
    if (definition.type !== "list") {
      return [ErrorCode.INVALID_CONFIG, `Can't append to or subtract from key ${name} because its type is not LIST.`];
    }
    const present = items(configs.get(name) ?? definition.byDefault);
    const named = items(value);
    const others = present.filter((item) => !named.includes(item));
    next = (operation === ConfigOperation.APPEND ? [...others, ...named] : others).join(",");
  } else if (operation !== ConfigOperation.SET) {
    return [ErrorCode.INVALID_REQUEST, `Unknown operation type ${operation}`];
  }
  const problem = topicConfigProblem(name, next);
  if (problem !== undefined) return [ErrorCode.INVALID_CONFIG, problem];
  configs.set(name, next);
  return undefined;
}
