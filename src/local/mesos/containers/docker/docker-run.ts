import { totalmem } from "node:os";
import { InputError } from "../../../../base/errors.ts";
import type {
  CommandInfo,
  ContainerInfo,
  PortMapping,
  Resource,
  ResourceLimits,
  Volume,
} from "../../../../mesos/types.ts";
import { SANDBOX_IN_DOCKER } from "../environment.ts";

/*
 * Mesos' Docker containerizer runs `docker run` with arguments that it makes of a task or an executor. This makes the
 * same of them as data (compared with recorded command lines in the tests), to be sent to the Engine's API.
 */

const SHARES_PER_CPU = 1024;
const MIN_SHARES = 2;
const MIN_MEMORY_BYTES = 32 * 1024 * 1024;
/** Microseconds of CPU in each 100 ms. */
const QUOTA_PER_CPU = 100_000;
const MIN_QUOTA = 1000;

export interface DockerRun {
  readonly name: string;
  readonly image: string;
  /** null: the image's own. */
  readonly entrypoint: string | null;
  /** Behind the entrypoint; none: the image's own. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** `host:container:mode` */
  readonly binds: readonly string[];
  readonly network: string;
  readonly hostname: string | null;
  /** `hostPort:containerPort`, with `/protocol` where it is given. */
  readonly ports: readonly string[];
  readonly privileged: boolean;
  readonly limits: DockerLimits;
  /** Further options of `docker run`, as `--key=value`. */
  readonly parameters: readonly { readonly key: string; readonly value: string }[];
}

export interface DockerLimits {
  readonly cpuShares: number;
  /** undefined: no end to it. */
  readonly cpuQuota?: number;
  /** Where it may have more than it asked for: what it keeps when memory is short. */
  readonly memoryReservationBytes?: number;
  readonly memoryBytes: number;
  /** Who has more than it asked for is the first to go: as Kubernetes has it. */
  readonly oomScoreAdj?: number;
}

export interface DockerRunParts {
  readonly name: string;
  readonly container: ContainerInfo;
  readonly command: CommandInfo;
  readonly env: Readonly<Record<string, string>>;
  /** By its path on the host. */
  readonly sandbox: string;
  readonly resources: readonly Resource[];
  readonly limits?: ResourceLimits | undefined;
  /** All memory that there is; default: this machine's. */
  readonly machineBytes?: number;
}

/** @throws {InputError} with what Mesos says of a container that cannot be */
export function dockerRun(parts: DockerRunParts): DockerRun {
  const { name, container, command, env, sandbox, resources, limits, machineBytes } = parts;
  const { docker, volumes = [], hostname = null } = container;
  if (docker === undefined) throw refused("DockerInfo 'docker' is not set for DOCKER typed ContainerInfo");
  const named = docker.parameters?.find(({ key }) => key === "net" || key === "network");
  const network = networkOf(container);
  if (hostname !== null && network === "host") throw refused("Unable to set hostname with host network mode");
  return {
    name,
    image: docker.image,
    ...entrypointAndArgs(command),
    env,
    binds: [...volumes.map((volume) => bindOf(volume, sandbox)), `${sandbox}:${SANDBOX_IN_DOCKER}`],
    network: named?.value ?? network,
    hostname,
    ports: portsOf(docker.portMappings ?? [], network, resources),
    privileged: docker.privileged === true,
    limits: dockerLimits(resources, limits, machineBytes),
    parameters: (docker.parameters ?? []).filter((parameter) => parameter !== named),
  };
}

/** A limit beyond what the machine has is that of the machine. */
export function dockerLimits(
  resources: readonly Resource[],
  limits: ResourceLimits = {},
  machineBytes = totalmem(),
): DockerLimits {
  const sum = (name: string): number =>
    resources.reduce((total, resource) => total + (resource.name === name ? (resource.scalar?.value ?? 0) : 0), 0);
  const asked = bytesOf(sum("mem"));
  const [cpus, memory] = [limits["cpus"]?.value, limits["mem"]?.value];
  const memoryBytes = memory === undefined ? asked : Math.min(bytesOf(memory), Math.max(asked, machineBytes));
  return {
    cpuShares: Math.max(MIN_SHARES, Math.floor(sum("cpus") * SHARES_PER_CPU)),
    ...(cpus === undefined || cpus === Infinity
      ? {}
      : { cpuQuota: Math.max(MIN_QUOTA, Math.floor(cpus * QUOTA_PER_CPU)) }),
    memoryBytes,
    ...(memoryBytes > asked ? { memoryReservationBytes: asked, oomScoreAdj: oomScoreAdj(asked / machineBytes) } : {}),
  };
}

function bytesOf(megabytes: number): number {
  return Math.max(MIN_MEMORY_BYTES, Math.round(megabytes * 1024 * 1024));
}

/** The smaller the part of the machine's memory that was asked for, the higher; 1000 would mean always. */
function oomScoreAdj(part: number): number {
  return Math.min(999, Math.max(2, 1000 - Math.floor(1000 * part)));
}

/** A shell takes the place of the image's entrypoint; anything else follows it. */
function entrypointAndArgs({
  shell = true,
  value,
  arguments: args = [],
}: CommandInfo): Pick<DockerRun, "entrypoint" | "args"> {
  if (!shell) return { entrypoint: null, args: value === undefined ? args : [value, ...args] };
  if (value === undefined) throw refused("Shell specified but no command value provided");
  return { entrypoint: "/bin/sh", args: ["-c", value] };
}

/** A relative path is one in the sandbox. */
function bindOf({ hostPath, containerPath, mode }: Volume, sandbox: string): string {
  if (hostPath === undefined) throw refused("Host path or volume source is required");
  const [hostIs, containerIs] = [hostPath.startsWith("/"), containerPath.startsWith("/")];
  if (!hostIs && !containerIs) {
    throw refused(`Both host_path '${hostPath}' and container_path '${containerPath}' of a volume are relative`);
  }
  const host = hostIs ? hostPath : `${sandbox}/${hostPath}`;
  const inside = containerIs ? containerPath : `${SANDBOX_IN_DOCKER}/${containerPath}`;
  return `${host}:${inside}:${mode.toLowerCase()}`;
}

function networkOf({ docker, networkInfos = [] }: ContainerInfo): string {
  const network = docker?.network ?? "HOST";
  if (network !== "USER") return network.toLowerCase();
  const [info, ...others] = networkInfos;
  if (info === undefined) throw refused("No network info found in container info");
  if (others.length > 0) throw refused("Only a single network can be defined in Docker run");
  if (info.name === undefined) throw refused("No network name found in network info");
  return info.name;
}

function portsOf(mappings: readonly PortMapping[], network: string, resources: readonly Resource[]): readonly string[] {
  if (mappings.length === 0) return [];
  if (network === "host" || network === "none") {
    throw refused("Port mappings are only supported for bridge and user-defined networks");
  }
  const ranges = resources.flatMap(({ name, ranges }) => (name === "ports" ? (ranges?.range ?? []) : []));
  if (ranges.length === 0) throw refused("Port mappings require port resources");
  return mappings.map(({ hostPort, containerPort, protocol }) => {
    const isOurs = ranges.some(({ begin, end }) => hostPort >= begin && hostPort <= end);
    if (!isOurs) throw refused(`Port [${hostPort}] not included in resources`);
    return `${hostPort}:${containerPort}${protocol === undefined ? "" : `/${protocol.toLowerCase()}`}`;
  });
}

function refused(reason: string): InputError {
  return new InputError(`Failed to create docker run options: ${reason}`);
}
