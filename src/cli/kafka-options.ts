import { resolve } from "node:path";
import { UsageError } from "../base/errors.ts";
import { parseSize } from "../base/size.ts";
import { didYouMean } from "../config/nearest.ts";
import type { HostPort } from "../config/settings.ts";
import type { BrokerConfig } from "../local/kafka/broker-config.ts";
import { type CliIo, parseCliArgs } from "./command.ts";
import { hostPort, wholeNumber } from "./options.ts";

export interface KafkaCommandOptions {
  readonly listen: HostPort;
  /** undefined: as it listens. */
  readonly advertise: HostPort | undefined;
  /** null: in memory. */
  readonly data: string | null;
  readonly sync: boolean;
  /** File of those who may use it; undefined: everybody. */
  readonly users: string | undefined;
  readonly config: Partial<BrokerConfig>;
}

type NumericSetting = {
  [Key in keyof BrokerConfig]: BrokerConfig[Key] extends number ? Key : never;
}[keyof BrokerConfig];

/** Where −1 stands for no limit; these may also be larger than others. */
const limitless: ReadonlySet<string> = new Set(["log.retention.bytes", "log.retention.ms"]);

/** What `--set` takes, by Kafka's names. */
const settings: Readonly<Record<string, NumericSetting>> = {
  "connections.max.idle.ms": "connectionsMaxIdleMs",
  "fetch.max.bytes": "fetchMaxBytes",
  "group.initial.rebalance.delay.ms": "groupInitialRebalanceDelayMs",
  "group.max.session.timeout.ms": "groupMaxSessionTimeoutMs",
  "group.max.size": "groupMaxSize",
  "group.min.session.timeout.ms": "groupMinSessionTimeoutMs",
  "log.retention.bytes": "logRetentionBytes",
  "log.retention.check.interval.ms": "logRetentionCheckIntervalMs",
  "log.retention.ms": "logRetentionMs",
  "max.incremental.fetch.session.cache.slots": "fetchSessionSlots",
  "message.max.bytes": "messageMaxBytes",
  "offset.metadata.max.bytes": "offsetMetadataMaxBytes",
  "socket.request.max.bytes": "socketRequestMaxBytes",
  "transaction.max.timeout.ms": "transactionMaxTimeoutMs",
};

export const kafkaUsage = `Usage: brigade kafka [OPTIONS]

Runs the embedded Kafka broker of brigade local alone: one node that ordinary clients can use. Prints one line when it
serves, and runs until Ctrl-C or SIGTERM:

    brigade ready kafka=127.0.0.1:9092

Logs go to standard error; LOG_LEVEL and LOG_FORMAT are taken from the environment. Whoever reaches its port, or with
--users is one of them, may do everything.

  --listen HOST:PORT      default 127.0.0.1:9092; 0.0.0.0 for every address, port 0 for a free one
  --advertise HOST:PORT   where clients are told to connect, if that is not where it listens
  --data DIR              keeps topics and offsets here (default: in memory, gone at the end)
  --sync                  what is acknowledged survives a loss of power, and not only kill -9; slower
  --no-topics-create      unknown topics are an error (default: asking for one makes it)
  --users FILE            {"users":[{"username":"…","password":"…"}]}: clients have to authenticate, by SASL's mechanism
                          PLAIN and without TLS: passwords travel as they are
  --partitions N          of topics that are made without a number (default 1)
  --set NAME=VALUE        as in Kafka's server.properties; may be given several times. Known are
                          ${Object.keys(settings).join(",\n                          ")}
`;

/** @throws {UsageError} */
export function parseKafkaOptions(args: readonly string[], io: Pick<CliIo, "cwd">): KafkaCommandOptions {
  const { values } = parseCliArgs({
    args: [...args],
    options: {
      listen: { type: "string", default: "127.0.0.1:9092" },
      advertise: { type: "string" },
      data: { type: "string" },
      sync: { type: "boolean", default: false },
      "no-topics-create": { type: "boolean", default: false },
      users: { type: "string" },
      partitions: { type: "string", default: "1" },
      set: { type: "string", multiple: true, default: [] },
    },
  });
  if (values.sync && values.data === undefined) {
    throw new UsageError("--sync is given without --data: what is in memory survives nothing");
  }
  return {
    listen: hostPort("--listen", values.listen, { anyPort: true }),
    advertise: values.advertise === undefined ? undefined : hostPort("--advertise", values.advertise),
    data: values.data === undefined ? null : resolve(io.cwd, values.data),
    sync: values.sync,
    users: values.users === undefined ? undefined : resolve(io.cwd, values.users),
    config: {
      ...Object.fromEntries(values.set.map(parseSetting)),
      autoCreateTopics: !values["no-topics-create"],
      defaultPartitions: wholeNumber("--partitions", values.partitions, 1, 10_000),
    },
  };
}

function parseSetting(text: string): readonly [NumericSetting, number] {
  const [name = "", value = ""] = text.split("=", 2);
  const setting = settings[name];
  if (setting === undefined) {
    const hint = didYouMean(name, Object.keys(settings)) ?? "brigade kafka --help lists all";
    throw new UsageError(`--set ${text} names no setting of this broker (${hint})`);
  }
  const isLimitless = limitless.has(name);
  if (isLimitless && value === "-1") return [setting, -1];
  const most = isLimitless ? Number.MAX_SAFE_INTEGER : 2_147_483_647;
  const number = parseSize(value);
  if (number !== undefined && number <= most) return [setting, number];
  throw new UsageError(`--set ${name} is "${value}", must be a number from ${isLimitless ? -1 : 0} to ${most}`);
}
