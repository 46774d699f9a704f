import { readFileSync } from "node:fs";
import * as v from "valibot";
import { InputError } from "../base/errors.ts";
import { currentUser } from "./current-user.ts";
import { byPlace, hasErrors, type Problem } from "./problem.ts";
import type { Settings } from "./settings.ts";
import {
  type SettingKey,
  type SettingValues,
  settingKeys,
  settingMetadata,
  settingSchemas,
  settingsSchema,
} from "./settings-keys.ts";
import { collectSettings, ENVIRONMENT, type GivenSetting, type SettingsSources } from "./settings-sources.ts";

export interface SettingOrigin {
  /** As it may be shown: secrets, and passwords inside of values, are `***`. */
  readonly value: string;
  readonly origin: "default" | "file" | "environment";
  /** Whether the value is a secret as a whole. */
  readonly secret: boolean;
}

export interface LoadedSettings {
  /** Undefined if there is any error among the problems. */
  readonly settings: Settings | undefined;
  readonly origins: Readonly<Record<SettingKey, SettingOrigin>>;
  readonly problems: readonly Problem[];
}

const HIDDEN = "***";

/**
 * The settings: the environment wins over the file, which wins over the defaults. (The original let the file win.) All
 * mistakes are reported at once; keys of the environment that mean nothing here are nobody's mistake.
 */
export function loadSettings(sources: SettingsSources): LoadedSettings {
  const readSecret = sources.readSecret ?? ((path) => readFileSync(path, "utf8"));
  const { given, problems: sourceProblems } = collectSettings(sources, readSecret);
  const values = Object.fromEntries([...given].map(([key, { value }]) => [key, value]));
  const result = v.safeParse(settingsSchema, values);
  const user = sources.currentUser ?? currentUser(sources.env) ?? "";
  const problems = [
    ...sourceProblems,
    ...(result.issues ?? []).map(({ path, message }): Problem => {
      const key = path?.[0].key as SettingKey;
      const place = given.get(key)?.place ?? { file: sources.file?.path ?? ENVIRONMENT };
      const shown = settingMetadata(key).secret === true ? "is not usable" : message;
      return { severity: "error", path: key, message: `${key} ${shown}`, ...place };
    }),
    ...secretAlone(given),
    ...userUnknown(given, user),
  ].sort(byPlace);
  const settings = result.success && !hasErrors(problems) ? resolveSettings(result.output, user) : undefined;
  return { settings, origins: originsOf(given, user), problems };
}

/**
 * The settings, or one error that names every mistake.
 *
 * @throws {InputError}
 */
export function requireSettings({ settings, problems }: LoadedSettings): Settings {
  if (settings !== undefined) return settings;
  const errors = problems.filter(({ severity }) => severity === "error");
  const places = errors.map(({ message, file, line }) => `${message} (${file}${line === undefined ? "" : `:${line}`})`);
  throw new InputError(`Cannot use the settings: ${places.join("; ")}`);
}

function secretAlone(given: ReadonlyMap<string, GivenSetting>): readonly Problem[] {
  const secret = given.get("MESOS_SECRET");
  if (secret === undefined || given.has("MESOS_PRINCIPAL")) return [];
  const message = "MESOS_SECRET is set without MESOS_PRINCIPAL, must be set with it";
  return [{ severity: "error", path: "MESOS_SECRET", message, ...secret.place }];
}

/** Mesos would take an empty name for the agent's own user, which is root as a rule. */
function userUnknown(given: ReadonlyMap<string, GivenSetting>, user: string): readonly Problem[] {
  if (user !== "" || given.has("MESOS_USER")) return [];
  const message = "MESOS_USER is missing and this process runs as a user without a name, must be a user name";
  return [{ severity: "error", path: "MESOS_USER", message, file: ENVIRONMENT }];
}

function resolveSettings(values: SettingValues, user: string): Settings {
  return {
    mesosMaster: values.MESOS_MASTER,
    kafkaAddress: values.KAFKA_ADDRESS,
    brigadeExecutor: values.BRIGADE_EXECUTOR ?? null,
    executorImages: values.EXECUTOR_IMAGES,
    processorDir: values.PROCESSOR_DIR,
    processorPollMs: values.PROCESSOR_POLL,
    deployment: values.DEPLOYMENT,
    state: values.STATE ?? { type: "folder", path: defaultState(values.DEPLOYMENT) },
    apiAddress: values.API_ADDRESS === "none" ? null : values.API_ADDRESS,
    topicsCreate: values.TOPICS_CREATE,
    mesosRole: values.MESOS_ROLE,
    mesosUser: values.MESOS_USER ?? user,
    mesosPrincipal: values.MESOS_PRINCIPAL ?? null,
    mesosSecret: values.MESOS_SECRET ?? null,
    failoverTimeoutMs: values.FAILOVER_TIMEOUT,
    stopTimeoutMs: values.STOP_TIMEOUT,
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT,
  };
}

function originsOf(given: ReadonlyMap<string, GivenSetting>, user: string): LoadedSettings["origins"] {
  const deployment = given.get("DEPLOYMENT")?.value ?? defaultOf("DEPLOYMENT");
  const dependent: Partial<Record<SettingKey, string>> = { STATE: defaultState(deployment), MESOS_USER: user };
  const entries = settingKeys.map((key): [SettingKey, SettingOrigin] => {
    const { secret = false, mask = (value: string) => value } = settingMetadata(key);
    const own = given.get(key);
    if (own === undefined) return [key, { value: dependent[key] ?? defaultOf(key), origin: "default", secret }];
    return [key, { value: secret ? HIDDEN : mask(own.value), origin: own.origin, secret }];
  });
  return Object.fromEntries(entries) as Record<SettingKey, SettingOrigin>;
}

function defaultOf(key: SettingKey): string {
  const value = v.getDefault(settingSchemas[key]);
  return typeof value === "string" ? value : "";
}

function defaultState(deployment: string): string {
  return `/var/lib/brigade/${deployment}`;
}
