import { describeError } from "../base/errors.ts";
import { didYouMean } from "./nearest.ts";
import type { Problem } from "./problem.ts";
import { parseProperties } from "./properties.ts";
import { formerKeys, ignoredKeys, type SettingKey, secretFileKey, settingKeys } from "./settings-keys.ts";

/*
 * Where settings come from: which values were given, by the file or by the environment, before anything is made of them.
 */

export interface SettingsSources {
  /** A Java properties file, already read. */
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads the file that MESOS_SECRET_FILE names. Default: from disk. */
  readonly readSecret?: (path: string) => string;
  /** Default: who runs this process. */
  readonly currentUser?: string;
}

export interface GivenSetting {
  readonly value: string;
  readonly origin: "file" | "environment";
  /** Where a problem with it is reported. */
  readonly place: Pick<Problem, "file" | "line">;
}

export interface GivenSettings {
  /** By key. `<KEY>_FILE` is read and stands under its KEY; ignored keys are absent. */
  readonly given: ReadonlyMap<string, GivenSetting>;
  readonly problems: readonly Problem[];
}

/** What problems of the environment name as their file. */
export const ENVIRONMENT = "environment";

const knownKeys: readonly string[] = settingKeys.flatMap((key) => [key, secretFileKey(key) ?? []].flat());

/** The environment wins over the file. An empty value counts as not given. */
export function collectSettings({ file, env }: SettingsSources, readSecret: (path: string) => string): GivenSettings {
  const problems: Problem[] = [];
  const given = new Map<string, GivenSetting>();
  if (file !== undefined) collectFile(file, given, problems);
  for (const key of knownKeys) {
    const value = env[key];
    if (value) given.set(key, { value, origin: "environment", place: { file: ENVIRONMENT } });
  }
  dropOriginalExecutor(given, problems);
  for (const key of settingKeys) readSecretFile(key, given, problems, readSecret);
  return { given, problems };
}

function collectFile(
  file: { readonly path: string; readonly text: string },
  given: Map<string, GivenSetting>,
  problems: Problem[],
): void {
  for (const { key, value, line } of parseProperties(file.text)) {
    const place = { file: file.path, line };
    const doubt = doubtAbout(key, given.get(key));
    if (doubt !== undefined) problems.push({ severity: "warning", path: key, ...place, ...doubt });
    if (value === "") given.delete(key);
    else given.set(key, { value, origin: "file", place });
  }
}

/** What is odd about a key of the file. */
function doubtAbout(key: string, earlier: GivenSetting | undefined): Pick<Problem, "message" | "hint"> | undefined {
  const ignored = ignoredKeys[key];
  if (ignored !== undefined) return { message: `${key} is ignored: ${ignored}` };
  if (knownKeys.includes(key)) {
    if (earlier === undefined) return undefined;
    return { message: `${key} is set in line ${earlier.place.line} already, which no longer counts` };
  }
  const former = formerKeys[key];
  const hint = former === undefined ? didYouMean(key, knownKeys) : `its name here is ${former}`;
  return { message: `${key} is no known setting and is ignored`, ...(hint === undefined ? {} : { hint }) };
}

/** The original's own default names a Java program that speaks another protocol. */
function dropOriginalExecutor(given: Map<string, GivenSetting>, problems: Problem[]): void {
  const executor = given.get("BRIGADE_EXECUTOR");
  if (executor === undefined || !/\bjava\b.*\bexecutor\.jar\b/.test(executor.value)) return;
  given.delete("BRIGADE_EXECUTOR");
  problems.push({
    severity: "warning",
    path: "BRIGADE_EXECUTOR",
    message: "BRIGADE_EXECUTOR is ignored: it starts the original's executor.jar, which cannot serve this Brigade",
    ...executor.place,
  });
}

/** Puts the content of the file that `<KEY>_FILE` names under KEY, without the line end that editors leave. */
function readSecretFile(
  key: SettingKey,
  given: Map<string, GivenSetting>,
  problems: Problem[],
  read: (path: string) => string,
): void {
  const fileKey = secretFileKey(key);
  const named = fileKey === undefined ? undefined : given.get(fileKey);
  if (fileKey === undefined || named === undefined) return;
  const fail = (message: string): void => {
    problems.push({ severity: "error", path: fileKey, message: `${fileKey} ${message}`, ...named.place });
  };
  if (given.has(key)) {
    fail(`is set beside ${key}, must replace it`);
    return;
  }
  try {
    const value = read(named.value).replace(/\r?\n$/, "");
    if (value === "") fail(`names ${named.value}, which is empty, must hold the secret`);
    else given.set(key, { ...named, value });
  } catch (error) {
    fail(`names ${named.value}, which cannot be read: ${describeError(error)}`);
  }
}
