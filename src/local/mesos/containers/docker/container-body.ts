import { InputError } from "../../../../base/errors.ts";
import type { DockerLimits, DockerRun } from "./docker-run.ts";

/** The body of `POST /containers/create` for a {@link DockerRun}. */
export interface ContainerBody {
  Image: string;
  Entrypoint?: readonly string[];
  Cmd?: readonly string[];
  Env: string[];
  Hostname?: string;
  User?: string;
  WorkingDir?: string;
  ExposedPorts: Readonly<Record<string, object>>;
  Labels: Record<string, string>;
  AttachStdout: true;
  AttachStderr: true;
  HostConfig: HostConfig & Memory;
}

interface HostConfig {
  /** It is gone with its end, whether or not its agent still lives. */
  AutoRemove: true;
  Binds: string[];
  NetworkMode: string;
  PortBindings: Readonly<Record<string, readonly { readonly HostPort: string }[]>>;
  Privileged: boolean;
  CpuShares: number;
  CpuQuota?: number;
  MemoryReservation?: number;
  OomScoreAdj?: number;
  CapAdd: string[];
  CapDrop: string[];
  Dns: string[];
  ExtraHosts: string[];
  GroupAdd: string[];
  SecurityOpt: string[];
  Init?: boolean;
  IpcMode?: string;
  PidMode?: string;
  ReadonlyRootfs?: boolean;
  UsernsMode?: string;
}

/** Swap is as large as the memory, as `docker run --memory` has it. */
export interface Memory {
  readonly Memory: number;
  readonly MemorySwap: number;
}

/** The options of `docker run` that a framework may add as parameters. */
const parameters: Readonly<Record<string, (body: ContainerBody, value: string) => void>> = {
  "add-host": ({ HostConfig }, value) => HostConfig.ExtraHosts.push(value),
  "cap-add": ({ HostConfig }, value) => HostConfig.CapAdd.push(value),
  "cap-drop": ({ HostConfig }, value) => HostConfig.CapDrop.push(value),
  dns: ({ HostConfig }, value) => HostConfig.Dns.push(value),
  env: (body, value) => body.Env.push(value),
  "group-add": ({ HostConfig }, value) => HostConfig.GroupAdd.push(value),
  hostname: (body, value) => {
    body.Hostname = value;
  },
  init: ({ HostConfig }, value) => {
    HostConfig.Init = value === "true";
  },
  ipc: ({ HostConfig }, value) => {
    HostConfig.IpcMode = value;
  },
  label: (body, value) => {
    const [name = "", ...rest] = value.split("=");
    body.Labels[name] = rest.join("=");
  },
  pid: ({ HostConfig }, value) => {
    HostConfig.PidMode = value;
  },
  "read-only": ({ HostConfig }, value) => {
    HostConfig.ReadonlyRootfs = value === "true";
  },
  "security-opt": ({ HostConfig }, value) => HostConfig.SecurityOpt.push(value),
  user: (body, value) => {
    body.User = value;
  },
  userns: ({ HostConfig }, value) => {
    HostConfig.UsernsMode = value;
  },
  volume: ({ HostConfig }, value) => HostConfig.Binds.push(value),
  workdir: (body, value) => {
    body.WorkingDir = value;
  },
};

/** @throws {InputError} an option that is not known here */
export function containerBody(run: DockerRun, labels: Readonly<Record<string, string>>): ContainerBody {
  const ports = run.ports.map((port): [host: string, inside: string] => {
    const [host = "", inside = ""] = port.split(":");
    return [host, inside.includes("/") ? inside : `${inside}/tcp`];
  });
  const { cpuQuota, memoryReservationBytes, oomScoreAdj } = run.limits;
  const body: ContainerBody = {
    Image: run.image,
    ...(run.entrypoint === null ? {} : { Entrypoint: [run.entrypoint] }),
    ...(run.args.length === 0 ? {} : { Cmd: run.args }),
    Env: Object.entries(run.env).map(([name, value]) => `${name}=${value}`),
    ...(run.hostname === null ? {} : { Hostname: run.hostname }),
    ExposedPorts: Object.fromEntries(ports.map(([, inside]) => [inside, {}])),
    Labels: { ...labels },
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      AutoRemove: true,
      Binds: [...run.binds],
      NetworkMode: run.network,
      PortBindings: Object.fromEntries(ports.map(([host, inside]) => [inside, [{ HostPort: host }]])),
      Privileged: run.privileged,
      CpuShares: run.limits.cpuShares,
      ...memoryOf(run.limits),
      ...(cpuQuota === undefined ? {} : { CpuQuota: cpuQuota }),
      ...(memoryReservationBytes === undefined ? {} : { MemoryReservation: memoryReservationBytes }),
      ...(oomScoreAdj === undefined ? {} : { OomScoreAdj: oomScoreAdj }),
      CapAdd: [],
      CapDrop: [],
      Dns: [],
      ExtraHosts: [],
      GroupAdd: [],
      SecurityOpt: [],
    },
  };
  for (const { key, value } of run.parameters) {
    const set = Object.hasOwn(parameters, key) ? parameters[key] : undefined;
    if (set === undefined) {
      const known = Object.keys(parameters).join(", ");
      throw new InputError(
        `Failed to create docker run options: parameter "${key}" is not known to Brigade's embedded Mesos, must be one of ${known}`,
      );
    }
    set(body, value);
  }
  return body;
}

export function memoryOf({ memoryBytes }: Pick<DockerLimits, "memoryBytes">): Memory {
  return { Memory: memoryBytes, MemorySwap: 2 * memoryBytes };
}
