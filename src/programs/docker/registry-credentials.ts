import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { errorCode, InputError } from "../../base/errors.ts";
import type { Environment } from "./engine-address.ts";

/** The key of Docker Hub in `auths`, from the days of its first API. */
const DOCKER_HUB = "https://index.docker.io/v1/";

interface StoredAuth {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

/**
 * The value of `X-Registry-Auth` for a registry, from the `auths` of Docker's `config.json` (in `DOCKER_CONFIG`, or
 * `~/.docker`). It is read anew for each pull, so that a `docker login` counts at once. Credential helpers are not asked.
 *
 * @returns undefined where nothing is known of the registry
 * @throws {InputError} the file cannot be read or is not JSON
 */
export async function registryCredentials(registry: string, env: Environment): Promise<string | undefined> {
  const file = join(env["DOCKER_CONFIG"] || join(env["HOME"] ?? homedir(), ".docker"), "config.json");
  const auths = await readAuths(file);
  const keys = registry === "docker.io" ? [DOCKER_HUB, registry] : [registry, `https://${registry}`];
  const key = keys.find((one) => auths[one] !== undefined);
  const stored = key === undefined ? undefined : auths[key];
  if (key === undefined || stored === undefined) return undefined;

  const [, user, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(stored.auth ?? "", "base64").toString()) ?? [];
  const credentials = {
    username: stored.username ?? user ?? "",
    // The Engine's own rule for texts in this field: padded by NUL in some old files.
    password: (stored.password ?? secret ?? "").replace(/\0+$/, ""),
    ...(stored.identitytoken === undefined ? {} : { identitytoken: stored.identitytoken }),
    serveraddress: key,
  };
  return Buffer.from(JSON.stringify(credentials)).toString("base64url");
}

async function readAuths(file: string): Promise<Readonly<Record<string, StoredAuth>>> {
  try {
    const { auths } = JSON.parse(await readFile(file, "utf8")) as { auths?: Record<string, StoredAuth> };
    return auths ?? {};
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return {};
    throw new InputError(`Cannot read registry credentials from ${file}: must be Docker's config.json`, { cause });
  }
}
