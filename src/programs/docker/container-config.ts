import { invariant } from "../../base/errors.ts";
import { ownLabelPrefix } from "../../config/container.ts";
import type { RunRequest, RunSpec } from "../../engine/run-wire.ts";
import { ownerVariable } from "../orphan-guard.ts";
import { processorEnvironment, programEnvironment } from "../program-environment.ts";
import { type ContainerOptions, containerOptions, type HostOptions, hostOptions } from "./container-options.ts";

/** Who a container belongs to: found again by its labels (docs/concepts/promises.md, I9). */
export interface Owner {
  readonly deployment: string;
  readonly agent: string;
  readonly executor: string;
  /** This process; a later one of the same executor id is another owner. */
  readonly owner: string;
  /** Path, on the host, of the file that the owner keeps locked while it lives. */
  readonly lockFile: string;
}

export const ownerLabels = {
  deployment: `${ownLabelPrefix}deployment`,
  agent: `${ownLabelPrefix}agent`,
  executor: `${ownLabelPrefix}executor`,
  owner: `${ownLabelPrefix}owner`,
  lockFile: `${ownLabelPrefix}lock`,
} as const satisfies Record<keyof Owner, string>;

export const processorLabel = `${ownLabelPrefix}processor`;
export const taskLabel = `${ownLabelPrefix}task`;

const CPU_PERIOD_US = 100_000;
/** The least that the kernel takes for a quota. */
const MIN_CPU_QUOTA_US = 1000;

/** The body of `POST /containers/create`, as far as it is used here. */
export interface ContainerConfig extends ContainerOptions {
  readonly Image: string;
  readonly Cmd?: readonly string[];
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly AttachStdin: boolean;
  readonly AttachStdout: true;
  readonly AttachStderr: true;
  readonly OpenStdin: boolean;
  /** Standard input ends when the one who is attached to it leaves. */
  readonly StdinOnce: boolean;
  /** By what an Engine ends it that stops. */
  readonly StopSignal?: "SIGKILL";
  /** Instead of the image's own. */
  readonly Healthcheck?: { readonly Test: readonly ["NONE"] };
  readonly HostConfig: HostOptions & {
    readonly LogConfig: { readonly Type: "none" };
    /** Whether an init of the Engine's comes before the program. Absent: as the Engine is configured. */
    readonly Init?: boolean;
    readonly Memory: number;
    readonly MemorySwap: number;
    readonly CpuPeriod: number;
    readonly CpuQuota: number;
    readonly Mounts: readonly {
      readonly Type: "bind";
      readonly Source: string;
      readonly Target: string;
      readonly ReadOnly: boolean;
    }[];
  };
}

/** The container that a run needs. */
export function containerConfig(runKey: string, request: RunRequest, owner: Owner): ContainerConfig {
  const { value } = request.record;
  return containerOf(request.spec, {
    env: { ...programEnvironment(request), [ownerVariable]: owner.owner },
    hasInput: value !== null && value.byteLength > 0,
    labels: { ...labelsOf(owner), [taskLabel]: runKey },
  });
}

/** A container that is made before there is a run for it. @param name in the place of a run's */
export function pooledContainerConfig(name: string, spec: RunSpec, owner: Owner): ContainerConfig {
  const config = containerOf(spec, {
    env: { ...processorEnvironment(spec), [ownerVariable]: owner.owner },
    hasInput: true,
    labels: { ...labelsOf(owner), [taskLabel]: name },
  });
  // Most of the time it only waits: an Engine that stops must not wait ten seconds for each.
  return { ...config, StopSignal: "SIGKILL" };
}

export interface ContainerSurroundings {
  readonly env: Readonly<Record<string, string>>;
  /** Without input nothing is attached, and standard input is /dev/null. */
  readonly hasInput: boolean;
  /** Brigade's own, which nothing overrides. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A container as a specification wants it, whoever it is for. */
export function containerOf(spec: RunSpec, { env, hasInput, labels }: ContainerSurroundings): ContainerConfig {
  const memoryBytes = Math.round(spec.memMb * 1024 * 1024);
  const { image: Image, command, container } = imageOf(spec);
  return {
    Image,
    ...(command === null ? {} : { Cmd: typeof command === "string" ? ["/bin/sh", "-c", command] : command }),
    ...containerOptions(container),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: { ...Object.fromEntries(container.labels ?? []), ...labels, [processorLabel]: spec.name },
    AttachStdin: hasInput,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: hasInput,
    StdinOnce: hasInput,
    HostConfig: {
      ...hostOptions(container),
      LogConfig: { Type: "none" },
      Memory: memoryBytes,
      // Memory and swap together: no swap beside the memory.
      MemorySwap: memoryBytes,
      // What NanoCpus means, but without its refusal of more CPUs than the machine has.
      CpuPeriod: CPU_PERIOD_US,
      CpuQuota: Math.max(MIN_CPU_QUOTA_US, Math.round(spec.cpus * CPU_PERIOD_US)),
      // Unlike Binds, a mount of a path that does not exist is refused and does not make an empty folder of root's.
      Mounts: spec.volumes.map(({ hostPath, containerPath, mode }) => ({
        Type: "bind",
        Source: hostPath,
        Target: containerPath,
        ReadOnly: mode === "RO",
      })),
    },
  };
}

export function labelsOf(owner: Owner): Record<string, string> {
  const { deployment, agent, executor, owner: process, lockFile } = owner;
  return {
    [ownerLabels.deployment]: deployment,
    [ownerLabels.agent]: agent,
    [ownerLabels.executor]: executor,
    [ownerLabels.owner]: process,
    [ownerLabels.lockFile]: lockFile,
  };
}

/** A processor file with container isolation and no image is refused: see processor-rules.ts. */
export function imageOf({ name, program }: RunSpec): Extract<RunSpec["program"], { type: "image" }> {
  invariant(program.type === "image", `Processor "${name}" is to run in a container and has no image`);
  return program;
}
