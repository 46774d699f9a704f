import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { errorCode, InputError } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import { askCredentialHelper, type RegistryCredentials } from "./credential-helper.ts";
import type { Environment } from "./engine-address.ts";

/** The key of Docker Hub in `auths` and for helpers, from the days of its first API. */
const DOCKER_HUB = "https://index.docker.io/v1/";

/** Far more than anybody's. */
const MAX_FILE_BYTES = 1024 * 1024;

interface StoredAuth {
  readonly auth?: unknown;
  readonly username?: unknown;
  readonly password?: unknown;
  readonly identitytoken?: unknown;
}

/** Docker's config.json, as far as it is read. */
interface DockerConfig {
  readonly auths: Readonly<Record<string, StoredAuth>>;
  /** Helper for every registry. */
  readonly credsStore: string | undefined;
  /** Helpers by registry, which come first. */
  readonly credHelpers: Readonly<Record<string, unknown>>;
}

export interface CredentialsOptions {
  readonly env: Environment;
  /** Default: `config.json` in `DOCKER_CONFIG`, or `~/.docker`; that one need not exist. */
  readonly file?: string;
}

/**
 * The value of `X-Registry-Auth` for a registry, from a file in the form of Docker's `config.json`: what its helper
 * (`credHelpers`, `credsStore`) knows, else what stands in its `auths`. It is read anew for each pull, so that a `docker
 * login` counts at once.
 *
 * @returns undefined where nothing is known of the registry
 * @throws {InputError} the file cannot be read or is not of that form, or its helper fails
 */
export async function registryCredentials(registry: string, options: CredentialsOptions): Promise<string | undefined> {
  const { env } = options;
  const file = options.file ?? join(env["DOCKER_CONFIG"] || join(env["HOME"] ?? homedir(), ".docker"), "config.json");
  const config = await readConfig(file, options.file === undefined);
  const keys = keysOf(registry);
  const credentials = (await askHelper(config, keys, env)) ?? storedCredentials(config, keys);
  return credentials && Buffer.from(JSON.stringify(credentials)).toString("base64url");
}

function hostOf(address: string): string | undefined {
  return address.replace(/^https?:\/\//, "").split("/")[0];
}

function keysOf(registry: string): readonly string[] {
  return registry === "docker.io" ? [DOCKER_HUB, registry] : [registry, `https://${registry}`];
}

/** What a text in the form of Docker's `config.json` has for a registry, helpers left out. @throws {InputError} */
export function credentialsIn(text: string, file: string, registry: string): RegistryCredentials | undefined {
  return storedCredentials(parseConfig(text, file), keysOf(registry));
}

async function askHelper(
  { credHelpers, credsStore }: DockerConfig,
  keys: readonly string[],
  env: Environment,
): Promise<RegistryCredentials | undefined> {
  const key = keys.find((one) => typeof credHelpers[one] === "string");
  const helper = key === undefined ? credsStore : String(credHelpers[key]);
  const [serveraddress = ""] = key === undefined ? keys : [key];
  // An empty name means that this registry has none.
  return !helper ? undefined : askCredentialHelper(helper, serveraddress, { env });
}

function storedCredentials({ auths }: DockerConfig, keys: readonly string[]): RegistryCredentials | undefined {
  const [first = ""] = keys;
  // Old files have the addresses of an API: `https://registry.example/v1/`.
  const serveraddress =
    keys.find((one) => auths[one] !== undefined) ?? Object.keys(auths).find((one) => hostOf(one) === hostOf(first));
  const stored = serveraddress === undefined ? undefined : auths[serveraddress];
  if (serveraddress === undefined || stored === undefined) return undefined;
  const pair = Buffer.from(textOf(stored.auth) ?? "", "base64").toString();
  const [, user = "", secret = ""] = /^([^:]*):(.*)$/s.exec(pair) ?? [];
  const identitytoken = textOf(stored.identitytoken);
  const credentials: RegistryCredentials = {
    username: textOf(stored.username) ?? user,
    // The Engine's own rule for texts in this field: padded by NUL in some old files.
    password: (textOf(stored.password) ?? secret).replace(/\0+$/, ""),
    ...(identitytoken === undefined ? {} : { identitytoken }),
    serveraddress,
  };
  // Where a helper keeps the rest, `docker login` leaves an empty entry.
  return credentials.username === "" && identitytoken === undefined ? undefined : credentials;
}

async function readConfig(file: string, mayLack: boolean): Promise<DockerConfig> {
  let text: string | undefined;
  try {
    // A pipe or a device would be read for ever.
    const found = await stat(file);
    if (found.isFile() && found.size <= MAX_FILE_BYTES) text = await readFile(file, "utf8");
  } catch (cause) {
    if (mayLack && errorCode(cause) === "ENOENT") return { auths: {}, credsStore: undefined, credHelpers: {} };
    throw unreadable(file, "it cannot be read", { cause });
  }
  if (text === undefined) throw unreadable(file, `it must be a file of ${MAX_FILE_BYTES} bytes or less`);
  return parseConfig(text, file);
}

function parseConfig(text: string, file: string): DockerConfig {
  try {
    const json = objectOf(JSON.parse(text));
    const entries = Object.entries(objectOf(json["auths"] ?? {}));
    const auths = entries.map(([key, value]) => [key, objectOf(value ?? {})] as const);
    return {
      auths: Object.fromEntries(auths),
      credsStore: textOf(json["credsStore"]) || undefined,
      credHelpers: objectOf(json["credHelpers"] ?? {}),
    };
  } catch (error) {
    // The parser's own words may quote what it read.
    if (error instanceof SyntaxError || error instanceof TypeError)
      throw unreadable(file, "it must be Docker's config.json");
    throw error;
  }
}

function unreadable(file: string, why: string, options?: ErrorOptions): InputError {
  return new InputError(`Cannot read registry credentials from ${file}: ${why}`, options);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (!isJsonObject(value)) throw new TypeError("not an object");
  return value;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
