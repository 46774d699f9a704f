import * as v from "valibot";
import { maskCredentials, parseHostPort, parseHostPorts, parseMasterAddress, parseStateAddress } from "./addresses.ts";
import { showValue } from "./problem.ts";
import { namePattern } from "./processor-form.ts";
import { duration, flag, kind, kindOf, oneOf, type Reader, text, withoutOptional } from "./schema-kinds.ts";
import type { HostPort, MasterAddress, StateAddress } from "./settings.ts";

/*
 * Every setting: type, default, unit, description. Messages, `brigade config` and the reference
 * (docs/reference/settings.md) come from here. Keys are those of the original Brigade, and new ones in the same manner.
 */

/** What a setting carries besides its type. */
export interface SettingMetadata {
  /** Never shown, and may be given as the name of a file by `<KEY>_FILE`. */
  readonly secret?: boolean;
  /** A value as it may be shown. */
  readonly mask?: (value: string) => string;
  /** For the reference, where the default depends on something. */
  readonly defaultText?: string;
}

export function settingMetadata(key: SettingKey): SettingMetadata {
  return v.getMetadata(withoutOptional(settingSchemas[key]));
}

const setting = <T>(schema: Reader<T>, description: string, metadata: SettingMetadata = {}): Reader<T> =>
  v.pipe(schema, v.description(description), v.metadata({ ...metadata }));

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Mesos counts the time-out in nanoseconds of 64 bits, which is far more. */
const MAX_FAILOVER_MS = 10 * 365 * DAY_MS;

const anyText = (expects: string): Reader<string> => text({ expects, pattern: /^[^\0]+$/ });

const masterAddress = (): Reader<MasterAddress> =>
  kind(
    { expects: "host:port, host:port,host:port or zk://user:password@host:port,host:port/path", jsonSchema: {} },
    (input) => (typeof input === "string" ? parseMasterAddress(input) : undefined),
    (input) => showValue(typeof input === "string" ? maskCredentials(input) : input),
  );

const stateAddress = (): Reader<StateAddress> =>
  kind(
    { expects: "a folder's path or zk://user:password@host:port,host:port/path", jsonSchema: {} },
    (input) => (typeof input === "string" ? parseStateAddress(input) : undefined),
    (input) => showValue(typeof input === "string" ? maskState(input) : input),
  );

/** A folder's name may have an `@` in it. */
const maskState = (value: string): string => (value.startsWith("zk://") ? maskCredentials(value) : value);

const hostPorts = (): Reader<readonly HostPort[]> =>
  kind({ expects: "host:port, or several with commas between", jsonSchema: {} }, (input) =>
    typeof input === "string" ? parseHostPorts(input) : undefined,
  );

const apiAddress = (): Reader<HostPort | "none"> =>
  kind({ expects: 'host:port (port 0 takes a free one), or "none"', jsonSchema: {} }, (input) =>
    typeof input !== "string" ? undefined : input === "none" ? "none" : parseHostPort(input, { anyPort: true }),
  );

/** null: any. */
const executorImages = (): Reader<readonly string[] | null> =>
  kind({ expects: '"any", "none", or names of images with commas between', jsonSchema: {} }, (input) => {
    if (typeof input !== "string") return undefined;
    if (input === "any") return null;
    if (input === "none") return [];
    const names = input.split(",").map((name) => name.trim());
    return names.every((name) => /^[^\s\0]+$/.test(name)) ? names : undefined;
  });

/** Mesos' rules for a role: no blanks, no leading `-`, no empty part, `.` or `..` between slashes. */
const role = (): Reader<string> =>
  text({
    expects: 'a role of Mesos such as "*" or "batch/images"',
    pattern: /^(?!-)(?!\.{1,2}(\/|$))[^\s/]+(\/(?!\.{1,2}(\/|$))[^\s/*]+)*$/,
  });

const settingEntries = {
  MESOS_MASTER: setting(masterAddress(), "Where the Mesos master is: its address, those of several, or ZooKeeper.", {
    mask: maskCredentials,
  }),
  KAFKA_ADDRESS: setting(hostPorts(), "Any nodes of the Kafka cluster."),
  PROCESSOR_DIR: v.optional(
    setting(anyText("a path"), "The processor files: a folder (every *.json directly in it), or one file."),
    "/etc/brigade/processors",
  ),
  PROCESSOR_POLL: v.optional(
    setting(
      duration({ minMs: 100, maxMs: DAY_MS, bareSeconds: true }),
      "How often PROCESSOR_DIR is read, besides whenever the file system tells of a change. A bare number is seconds.",
    ),
    "10s",
  ),
  BRIGADE_EXECUTOR: v.optional(
    setting(anyText("a shell command"), "The shell command that starts the executor on an agent.", {
      defaultText: "this program with the argument `executor`",
    }),
  ),
  EXECUTOR_IMAGES: v.optional(
    setting(
      executorImages(),
      "The images that processors may run their executors from (`executor.image`): names with commas between, `any`, or " +
        "`none`. With other than `any` they may not set `executor.volumes` either.",
    ),
    "any",
  ),
  DEPLOYMENT: v.optional(
    setting(
      text({ expects: "1 to 100 of the characters A-Z a-z 0-9 . _ -", pattern: namePattern }),
      "Tells deployments that share a Mesos, a Kafka or a host apart; part of groups, labels and paths.",
    ),
    "brigade",
  ),
  STATE: v.optional(
    setting(
      stateAddress(),
      "Where the small durable state is: a folder, or ZooKeeper. One scheduler at a time owns it.",
      {
        mask: maskState,
        defaultText: "`/var/lib/brigade/<DEPLOYMENT>`",
      },
    ),
  ),
  API_ADDRESS: v.optional(setting(apiAddress(), "Where the REST API listens, or `none`."), "127.0.0.1:7000"),
  TOPICS_CREATE: v.optional(
    setting(flag(), "Whether missing topics are created. Otherwise a processor pauses until its topics are there."),
    "false",
  ),
  MESOS_ROLE: v.optional(setting(role(), "The role that the frameworks subscribe with."), "*"),
  MESOS_USER: v.optional(
    setting(text({ expects: "a user name", pattern: /^[^\s/]+$/ }), "The user that executors and programs run as.", {
      defaultText: "the user that runs the scheduler",
    }),
  ),
  MESOS_PRINCIPAL: v.optional(
    setting(text({ expects: "text without a colon", pattern: /^[^:\0]+$/ }), "The principal of the frameworks."),
  ),
  MESOS_SECRET: v.optional(
    setting(anyText("non-empty text"), "The principal's secret, for HTTP basic authentication.", { secret: true }),
  ),
  FAILOVER_TIMEOUT: v.optional(
    setting(
      duration({ minMs: MINUTE_MS, maxMs: MAX_FAILOVER_MS, bareSeconds: true }),
      "How long Mesos lets tasks run on without a scheduler. A bare number is seconds.",
    ),
    "7d",
  ),
  STOP_TIMEOUT: v.optional(
    setting(
      duration({ minMs: 0, maxMs: DAY_MS, bareSeconds: true }),
      "How long a stopping scheduler settles what has ended. A bare number is seconds.",
    ),
    "10s",
  ),
  LOG_LEVEL: v.optional(
    setting(oneOf(["debug", "info", "warn", "error"], { ignoreCase: true }), "The least important log lines written."),
    "info",
  ),
  LOG_FORMAT: v.optional(
    setting(oneOf(["json", "text"], { ignoreCase: true }), "One JSON object a line, or text for people."),
    "json",
  ),
} as const;

export type SettingKey = keyof typeof settingEntries;

export const settingKeys = Object.keys(settingEntries) as readonly SettingKey[];
export const settingSchemas: Readonly<Record<SettingKey, v.GenericSchema>> = settingEntries;

/** All settings; keys that it does not know are the caller's to report. */
export const settingsSchema = v.object(settingEntries, (issue) => {
  const key = issue.path?.[0]?.key as SettingKey;
  return `is missing, must be ${kindOf(settingSchemas[key]).expects}`;
});

export type SettingValues = v.InferOutput<typeof settingsSchema>;

/** For a secret, the key that names a file with its value. */
export function secretFileKey(key: SettingKey): string | undefined {
  return settingMetadata(key).secret === true ? `${key}_FILE` : undefined;
}

/** Keys of the original that mean nothing here, with the reason. Its own files must go on working. */
export const ignoredKeys: Readonly<Record<string, string>> = {
  MARATHON_ADDRESS: "Brigade runs its processors itself, without Marathon",
  GROUP_ID: "it named a group of Marathon, which is not used",
  SCHEDULER_IMAGE: "processors need no scheduler image of their own",
};

/** Keys of the original's dev branch, for the hint. */
export const formerKeys: Readonly<Record<string, SettingKey>> = {
  "kafka.endpoint": "KAFKA_ADDRESS",
  "mesos.master.endpoint": "MESOS_MASTER",
  "processor.config.location": "PROCESSOR_DIR",
  "executor.config.location": "BRIGADE_EXECUTOR",
};
