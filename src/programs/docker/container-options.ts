import type { ContainerSpec } from "../../config/container.ts";

/** Docker's options at the top of a container's configuration, in the Engine's own words. */
export interface ContainerOptions {
  readonly Entrypoint?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Hostname?: string;
}

/** Those in its `HostConfig`. */
export interface HostOptions {
  readonly NetworkMode?: string;
  /** `name:address` */
  readonly ExtraHosts?: readonly string[];
  readonly Dns?: readonly string[];
  readonly ReadonlyRootfs?: true;
  /** Options by path. */
  readonly Tmpfs?: Readonly<Record<string, string>>;
  readonly ShmSize?: number;
  readonly Ulimits?: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[];
  readonly CapAdd?: readonly string[];
  readonly CapDrop?: readonly string[];
  readonly Devices?: readonly {
    readonly PathOnHost: string;
    readonly PathInContainer: string;
    readonly CgroupPermissions: string;
  }[];
  readonly DeviceRequests?: readonly DeviceRequest[];
  readonly Privileged?: true;
}

interface DeviceRequest {
  /** -1: all. */
  readonly Count?: number;
  readonly DeviceIDs?: readonly string[];
  /** Alternatives, each a list of what is needed together. */
  readonly Capabilities: readonly (readonly string[])[];
}

export function containerOptions({ entrypoint, user, workdir, hostname }: ContainerSpec): ContainerOptions {
  return {
    // One empty text is the Engine's way to say "none"; an empty list would leave the image's own.
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint.length === 0 ? [""] : entrypoint }),
    ...(user === undefined ? {} : { User: user }),
    ...(workdir === undefined ? {} : { WorkingDir: workdir }),
    ...(hostname === undefined ? {} : { Hostname: hostname }),
  };
}

export function hostOptions(spec: ContainerSpec): HostOptions {
  const { network, extraHosts, dns, readOnly, tmpfs, shmBytes, ulimits, capAdd, capDrop, devices, gpus } = spec;
  return {
    ...(network === undefined ? {} : { NetworkMode: network }),
    ...(extraHosts === undefined ? {} : { ExtraHosts: extraHosts }),
    ...(dns === undefined ? {} : { Dns: dns }),
    ...(readOnly === undefined ? {} : { ReadonlyRootfs: readOnly }),
    ...(tmpfs === undefined ? {} : { Tmpfs: Object.fromEntries(tmpfs) }),
    ...(shmBytes === undefined ? {} : { ShmSize: shmBytes }),
    ...(ulimits === undefined
      ? {}
      : { Ulimits: ulimits.map(({ name: Name, soft: Soft, hard: Hard }) => ({ Name, Soft, Hard })) }),
    ...(capAdd === undefined ? {} : { CapAdd: capAdd }),
    ...(capDrop === undefined ? {} : { CapDrop: capDrop }),
    ...(devices === undefined
      ? {}
      : {
          Devices: devices.map(({ hostPath, containerPath, permissions }) => ({
            PathOnHost: hostPath,
            PathInContainer: containerPath,
            CgroupPermissions: permissions,
          })),
        }),
    ...(gpus === undefined ? {} : { DeviceRequests: [deviceRequest(gpus)] }),
    ...(spec.privileged === undefined ? {} : { Privileged: spec.privileged }),
  };
}

function deviceRequest(gpus: NonNullable<ContainerSpec["gpus"]>): DeviceRequest {
  const Capabilities = [["gpu"]];
  if (gpus === "all") return { Count: -1, Capabilities };
  return typeof gpus === "number" ? { Count: gpus, Capabilities } : { DeviceIDs: gpus, Capabilities };
}
