import type { BrokerConfig } from "../broker-config.ts";

/*
 * The configuration of topics: which settings there are, what they may be, and their defaults. Kept as Kafka keeps
 * them, as text. This broker acts on `max.message.bytes` and `message.timestamp.type`; it keeps and shows the others,
 * which on one node change nothing that a client could rely on at once.
 */

export type ConfigValueType = "int" | "long" | "string" | "list";

export interface TopicConfigDefinition {
  readonly name: string;
  readonly type: ConfigValueType;
  readonly defaultOf: (broker: BrokerConfig) => string;
  /** Words allowed; of a list, its items. */
  readonly words?: readonly string[];
  /** Lowest number allowed. */
  readonly least?: number;
}

const WEEK_MS = 604_800_000;
const DAY_MS = 86_400_000;
const GIBIBYTE = 1_073_741_824;

function fixed(value: number | string): () => string {
  return () => String(value);
}

export const topicConfigs: readonly TopicConfigDefinition[] = [
  { name: "cleanup.policy", type: "list", defaultOf: fixed("delete"), words: ["delete", "compact"] },
  { name: "compression.type", type: "string", defaultOf: fixed("producer"), words: ["producer"] },
  { name: "delete.retention.ms", type: "long", defaultOf: fixed(DAY_MS), least: 0 },
  { name: "max.message.bytes", type: "int", defaultOf: (broker) => String(broker.messageMaxBytes), least: 0 },
  {
    name: "message.timestamp.type",
    type: "string",
    defaultOf: fixed("CreateTime"),
    words: ["CreateTime", "LogAppendTime"],
  },
  { name: "min.insync.replicas", type: "int", defaultOf: fixed(1), least: 1 },
  { name: "retention.bytes", type: "long", defaultOf: fixed(-1), least: -1 },
  { name: "retention.ms", type: "long", defaultOf: fixed(WEEK_MS), least: -1 },
  { name: "segment.bytes", type: "int", defaultOf: fixed(GIBIBYTE), least: 14 },
  { name: "segment.ms", type: "long", defaultOf: fixed(WEEK_MS), least: 1 },
];

const LARGEST_INT = 2_147_483_647;

/** Why `value` is not allowed for the setting, or undefined where it is. */
export function topicConfigProblem(name: string, value: string | null): string | undefined {
  const definition = topicConfigs.find((known) => known.name === name);
  if (definition === undefined) return `Unknown topic config name: ${name}`;
  if (value === null) return `Null value not supported for topic configs: ${name}`;
  const problem = valueProblem(definition, value);
  return problem === undefined ? undefined : `Invalid value ${value} for configuration ${name}: ${problem}`;
}

function valueProblem({ type, words, least }: TopicConfigDefinition, value: string): string | undefined {
  if (words !== undefined) {
    const given = type === "list" ? value.split(",").map((word) => word.trim()) : [value];
    return given.every((word) => words.includes(word)) ? undefined : `must be one of ${words.join(", ")}`;
  }
  if (type !== "int" && type !== "long") return undefined;
  const number = /^[+-]?\d{1,19}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(number) || (type === "int" && Math.abs(number) > LARGEST_INT))
    return `must be a number of type ${type}`;
  return least !== undefined && number < least ? `must be at least ${least}` : undefined;
}
