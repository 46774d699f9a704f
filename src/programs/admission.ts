import { realpathSync } from "node:fs";
import { BrigadeError, errorCode } from "../base/errors.ts";
import type { AgentPolicy } from "../config/agent-policy.ts";
import type { ContainerSpec } from "../config/container.ts";
import type { RunSpec } from "../engine/run-wire.ts";
import { readSecret } from "./secret-files.ts";

/** The agent's policy does not let the processor do what it wants. */
export class RefusedByPolicyError extends BrigadeError {
  override readonly name = "RefusedByPolicyError";
  readonly code = "refused-by-policy";
  readonly fault = "processor";

  constructor(what: string, must: string) {
    super(`The agent's policy refuses ${what}: ${must}`);
  }
}

/**
 * A specification as it may run here: held against the agent's policy, and with the values of its secrets in `env`.
 *
 * Paths of the host are resolved before they are compared, and the resolved ones are used, so that a link inside a folder
 * that is allowed cannot lead out of it.
 *
 * @param onHost whether this process sees the host's files as they are: from within a container no path can be checked
 * @throws {RefusedByPolicyError | SecretError} the processor's fault
 * @throws the file system's error, where that is the machine's
 */
export function admit(spec: RunSpec, policy: AgentPolicy, onHost: boolean): RunSpec {
  const { program, isolation } = spec;
  const allowed: Allowed = (what, path, key) => allowedPath(what, path, policy, key, onHost);
  const isImage = program.type === "image";
  if ((!isImage || isolation === "process") && !policy.processes) {
    throw new RefusedByPolicyError("plain commands", "must be an image (policy: processes)");
  }
  return {
    ...spec,
    volumes: isImage
      ? spec.volumes.map((volume) => ({ ...volume, hostPath: allowed("volume", volume.hostPath, "volumes") }))
      : spec.volumes,
    program: isImage ? { ...program, container: admitOptions(program.container, policy, allowed) } : program,
    env: [
      ...spec.env,
      ...spec.secrets.map(([name, file]) => [name, secretValue(name, file, policy, allowed)] as const),
    ],
    secrets: [],
  };
}

type Allowed = (what: string, path: string, key: "volumes" | "devices" | "secrets") => string;

function secretValue(name: string, file: string, policy: AgentPolicy, allowed: Allowed): string {
  // Where it is missing, the secret's own message tells more than that it cannot be resolved.
  return readSecret(name, policy.secrets === null ? file : allowed("secret", file, "secrets"));
}

function admitOptions(options: ContainerSpec, policy: AgentPolicy, allowed: Allowed): ContainerSpec {
  const { privileged = false, capAdd = [], network, credentials, devices } = options;
  if (privileged && !policy.privileged) {
    throw new RefusedByPolicyError("container.privileged", "must not be set (policy: privileged)");
  }
  among("container.cap-add", capAdd, policy.capabilities, "capabilities");
  among("container.network", network === undefined ? [] : [network], policy.networks, "networks");
  return {
    ...options,
    ...(credentials === undefined ? {} : { credentials: allowed("credentials", credentials, "secrets") }),
    ...(devices === undefined
      ? {}
      : {
          devices: devices.map((device) => ({
            ...device,
            hostPath: allowed("device", device.hostPath, "devices"),
          })),
        }),
  };
}

/** `ALL` holds every other one. */
function among(what: string, wanted: readonly string[], list: readonly string[] | null, key: keyof AgentPolicy): void {
  if (list === null || list.includes("ALL")) return;
  const refused = wanted.find((one) => !list.includes(one));
  if (refused === undefined) return;
  throw new RefusedByPolicyError(`${what} "${refused}"`, `must be ${choice(list)} (policy: ${key})`);
}

/** The path itself, once nothing is left in it that could lead elsewhere. */
function allowedPath(
  what: string,
  path: string,
  policy: AgentPolicy,
  key: "volumes" | "devices" | "secrets",
  onHost: boolean,
): string {
  const roots = policy[key];
  if (roots === null) return path;
  const refused = (is: string): RefusedByPolicyError =>
    new RefusedByPolicyError(`${what} ${path}${is}`, `must be in ${choice(roots)} (policy: ${key})`);
  // A mount shows nothing of the links that led to it.
  const real = onHost ? resolved(path) : undefined;
  if (real === undefined) throw refused(", which this executor does not see and cannot check");
  if (roots.some((root) => isInside(real, resolved(root)))) return real;
  throw refused(real === path ? "" : `, which is ${real}`);
}

function choice(list: readonly string[]): string {
  return list.length === 0 ? "none" : list.join(", ");
}

function isInside(path: string, root: string | undefined): boolean {
  if (root === undefined) return false;
  return path === root || path.startsWith(root.endsWith("/") ? root : `${root}/`);
}

/** undefined: it is not there, or hidden from this user. */
function resolved(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES", "ELOOP"].includes(errorCode(error) ?? "")) return undefined;
    throw error;
  }
}
