/*
 * What Docker is told of a processor's containers, besides image, command, environment, volumes and limits. What is
 * absent is as the image or the Engine has it, so that equal options are written in one way only.
 */

/** When an image is pulled: if it is not on the agent, before each run, or never. */
export type PullPolicy = "if-missing" | "always" | "never";

export interface UlimitSpec {
  /** As setrlimit(2) has it, in lower case and without `RLIMIT_`. */
  readonly name: string;
  /** -1: no limit. */
  readonly soft: number;
  readonly hard: number;
}

export interface DeviceSpec {
  readonly hostPath: string;
  readonly containerPath: string;
  /** Of `r` (read), `w` (write), `m` (make nodes). */
  readonly permissions: string;
}

/** All GPUs of the agent, so many of them, or those with these ids. */
export type GpuSpec = "all" | number | readonly string[];

export interface ContainerSpec {
  readonly pull: PullPolicy;
  /** A file on the agent in the form of Docker's config.json. */
  readonly credentials?: string;
  /** Instead of the image's own; empty: none, so that the command is the program. */
  readonly entrypoint?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly network?: string;
  readonly hostname?: string;
  /** `name:address` */
  readonly extraHosts?: readonly string[];
  readonly dns?: readonly string[];
  readonly labels?: readonly (readonly [name: string, value: string])[];
  readonly readOnly?: true;
  /** Where, and its mount options. */
  readonly tmpfs?: readonly (readonly [path: string, options: string])[];
  readonly shmBytes?: number;
  readonly ulimits?: readonly UlimitSpec[];
  /** Without `CAP_`; or `ALL`. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly devices?: readonly DeviceSpec[];
  readonly gpus?: GpuSpec;
  readonly privileged?: true;
}

/** Labels of containers that begin with it are Brigade's own: by them it finds what it left behind. */
export const ownLabelPrefix = "io.brigade.";
