import type { BrokerConfig } from "../broker-config.ts";
import type { RecordRules } from "./record-check.ts";
import type { RetentionRules } from "./retention.ts";

/*
 * The configuration of topics: which settings there are, what they may be, and their defaults. Kept as Kafka keeps
 * them, as text. `readTopicSettings` tells what this broker acts on; it keeps and shows the others, which are about
 * files, replicas, other versions' formats and compaction.
 */

export type ConfigValueType = "boolean" | "int" | "long" | "double" | "string" | "list";

export interface TopicConfigDefinition {
  readonly name: string;
  readonly type: ConfigValueType;
  /** Kafka's own default. */
  readonly byDefault: string;
  /** Name of the broker's setting that a topic follows, where there is one. */
  readonly brokerName?: string;
  /** What the broker's setting is, where this broker has it. */
  readonly brokerValue?: (config: BrokerConfig) => number;
  /** Words allowed; of a list, its items. */
  readonly words?: readonly string[];
  /** Lowest and highest number allowed. */
  readonly least?: number;
  readonly most?: number;
}

const WEEK_MS = "604800000";
const DAY_MS = "86400000";
const GIBIBYTE = "1073741824";
const LARGEST_LONG = "9223372036854775807";

export const topicConfigs: readonly TopicConfigDefinition[] = [
  {
    name: "cleanup.policy",
    type: "list",
    byDefault: "delete",
    brokerName: "log.cleanup.policy",
    words: ["delete", "compact"],
  },
  {
    name: "compression.gzip.level",
    type: "int",
    byDefault: "-1",
    brokerName: "compression.gzip.level",
    words: ["-1", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
  },
  number("compression.lz4.level", "int", "9", "compression.lz4.level", 1, 17),
  {
    name: "compression.type",
    type: "string",
    byDefault: "producer",
    brokerName: "compression.type",
    words: ["producer"],
  },
  number("compression.zstd.level", "int", "3", "compression.zstd.level", -131_072, 22),
  number("delete.retention.ms", "long", DAY_MS, "log.cleaner.delete.retention.ms", 0),
  number("file.delete.delay.ms", "long", "60000", "log.segment.delete.delay.ms", 0),
  number("flush.messages", "long", LARGEST_LONG, "log.flush.interval.messages", 1),
  number("flush.ms", "long", LARGEST_LONG, undefined, 0),
  number("index.interval.bytes", "int", "4096", "log.index.interval.bytes", 0),
  number("max.compaction.lag.ms", "long", LARGEST_LONG, "log.cleaner.max.compaction.lag.ms", 1),
  {
    ...number("max.message.bytes", "int", "1048588", "message.max.bytes", 0),
    brokerValue: (config) => config.messageMaxBytes,
  },
  number("message.timestamp.after.max.ms", "long", LARGEST_LONG, "log.message.timestamp.after.max.ms", 0),
  number("message.timestamp.before.max.ms", "long", LARGEST_LONG, "log.message.timestamp.before.max.ms", 0),
  {
    name: "message.timestamp.type",
    type: "string",
    byDefault: "CreateTime",
    brokerName: "log.message.timestamp.type",
    words: ["CreateTime", "LogAppendTime"],
  },
  number("min.cleanable.dirty.ratio", "double", "0.5", "log.cleaner.min.cleanable.ratio", 0, 1),
  number("min.compaction.lag.ms", "long", "0", "log.cleaner.min.compaction.lag.ms", 0),
  number("min.insync.replicas", "int", "1", "min.insync.replicas", 1),
  { name: "preallocate", type: "boolean", byDefault: "false", brokerName: "log.preallocate" },
  {
    ...number("retention.bytes", "long", "-1", "log.retention.bytes"),
    brokerValue: (config) => config.logRetentionBytes,
  },
  {
    ...number("retention.ms", "long", WEEK_MS, "log.retention.ms", -1),
    brokerValue: (config) => config.logRetentionMs,
  },
  number("segment.bytes", "int", GIBIBYTE, "log.segment.bytes", 14),
  number("segment.index.bytes", "int", "10485760", "log.index.size.max.bytes", 4),
  number("segment.jitter.ms", "long", "0", undefined, 0),
  number("segment.ms", "long", WEEK_MS, undefined, 1),
  {
    name: "unclean.leader.election.enable",
    type: "boolean",
    byDefault: "false",
    brokerName: "unclean.leader.election.enable",
  },
];

function number(
  name: string,
  type: "int" | "long" | "double",
  byDefault: string,
  brokerName?: string,
  least?: number,
  most?: number,
): TopicConfigDefinition {
  return {
    name,
    type,
    byDefault,
    ...(brokerName === undefined ? {} : { brokerName }),
    ...(least === undefined ? {} : { least }),
    ...(most === undefined ? {} : { most }),
  };
}

const definitions: ReadonlyMap<string, TopicConfigDefinition> = new Map(
  topicConfigs.map((definition) => [definition.name, definition]),
);

export function topicConfig(name: string): TopicConfigDefinition | undefined {
  return definitions.get(name);
}

/** What a setting is for a topic that does not set it. */
export function inherited({ byDefault, brokerValue }: TopicConfigDefinition, broker: BrokerConfig): string {
  return brokerValue === undefined ? byDefault : String(brokerValue(broker));
}

/** What a topic's configuration means to this broker. */
export interface TopicSettings {
  readonly maxMessageBytes: number;
  /** Whether the broker's time replaces that of the producer. */
  readonly isLogAppendTime: boolean;
  readonly recordRules: RecordRules;
  readonly retention: RetentionRules;
  /** Whether records may be deleted at all; a topic that is only compacted keeps the newest of each key. */
  readonly deletes: boolean;
}

export function readTopicSettings(configs: ReadonlyMap<string, string>, broker: BrokerConfig): TopicSettings {
  const value = (name: string): string => {
    const definition = definitions.get(name);
    return configs.get(name) ?? (definition === undefined ? "" : inherited(definition, broker));
  };
  const limit = (name: string): number | undefined => {
    const most = Number(value(name));
    return most < 0 ? undefined : most;
  };
  const policies = items(value("cleanup.policy"));
  const deletes = policies.includes("delete");
  return {
    maxMessageBytes: Number(value("max.message.bytes")),
    isLogAppendTime: value("message.timestamp.type") === "LogAppendTime",
    recordRules: {
      needsKeys: policies.includes("compact"),
      timestampBeforeMaxMs: Number(value("message.timestamp.before.max.ms")),
      timestampAfterMaxMs: Number(value("message.timestamp.after.max.ms")),
    },
    retention: deletes
      ? { ms: limit("retention.ms"), bytes: limit("retention.bytes") }
      : { ms: undefined, bytes: undefined },
    deletes,
  };
}

const LARGEST_INT = 2_147_483_647;

/** Why `value` is not allowed for the setting, or undefined where it is. */
export function topicConfigProblem(name: string, value: string | null): string | undefined {
  const definition = definitions.get(name);
  if (definition === undefined) return `Unknown topic config name: ${name}`;
  if (value === null) return `Null value not supported for topic configs: ${name}`;
  const problem = valueProblem(definition, value);
  return problem === undefined ? undefined : `Invalid value ${value} for configuration ${name}: ${problem}`;
}

/** Why settings, each of them allowed, are not allowed together. */
export function topicConfigsProblem(configs: ReadonlyMap<string, string>): string | undefined {
  const [min, max] = [configs.get("min.compaction.lag.ms"), configs.get("max.compaction.lag.ms")];
  if (min === undefined || max === undefined || Number(min) <= Number(max)) return undefined;
  return `conflict topic config setting min.compaction.lag.ms (${min}) > max.compaction.lag.ms (${max})`;
}

/** The words of a list. */
export function items(list: string): string[] {
  return list
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function valueProblem({ type, words, least, most }: TopicConfigDefinition, value: string): string | undefined {
  if (words !== undefined) {
    const given = type === "list" ? items(value) : [value];
    return given.every((word) => words.includes(word)) ? undefined : `must be one of ${words.join(", ")}`;
  }
  if (type === "boolean") return /^(true|false)$/i.test(value.trim()) ? undefined : "must be true or false";
  const pattern = type === "double" ? /^[+-]?\d*\.?\d+(e[+-]?\d+)?$/i : /^[+-]?\d{1,19}$/;
  const number = pattern.test(value.trim()) ? Number(value) : Number.NaN;
  if (Number.isNaN(number) || (type !== "double" && isTooLarge(type, value))) return `must be a number of type ${type}`;
  if (least !== undefined && number < least) return `must be at least ${least}`;
  return most !== undefined && number > most ? `must be no more than ${most}` : undefined;
}

function isTooLarge(type: ConfigValueType, value: string): boolean {
  const number = BigInt(value.trim().replace("+", ""));
  const largest = BigInt(type === "int" ? LARGEST_INT : LARGEST_LONG);
  return number > largest || number < -largest - 1n;
}
