import type { ContainerSpec } from "./container.ts";

/*
 * A processor's specification after parsing: every default filled in, every unit fixed, immutable. The schema that
 * makes it from JSON stands in processor-schema.ts.
 */

export interface VolumeSpec {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly mode: "RO" | "RW";
}

/** `command` as a string runs under `/bin/sh -c`, as an array it is argv. */
export type ProgramSpec =
  | { readonly type: "command"; readonly command: string | readonly string[] }
  | {
      readonly type: "image";
      readonly image: string;
      /** Arguments to the image's entrypoint; null leaves the image's own. */
      readonly command: string | readonly string[] | null;
      readonly container: ContainerSpec;
    };

export interface RetrySpec {
  /** Runs that the program may end badly before the record goes to the error topic. 1 or more. */
  readonly attempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  /** How long exit 75 (EX_TEMPFAIL) is tried again. */
  readonly maxAgeMs: number;
}

export interface ErrorTopicSpec {
  readonly topic: string;
  /** What the error record's value is: the failed run's stdout (the original's meaning), or the input's value. */
  readonly value: "stdout" | "input";
}

/** Hard: the agent's attribute must equal the value. Without an attribute it is the host name. */
export interface ConstraintSpec {
  readonly attribute: string | null;
  readonly value: string;
}

/** An executor in a container of Mesos' Docker containerizer. */
export interface ExecutorContainerSpec {
  /** Its entrypoint is `brigade`. */
  readonly image: string;
  /** Whether the agent pulls it before each start of an executor. */
  readonly forcePull: boolean;
  /** What the container sees of the host, beside what the executor itself needs. */
  readonly volumes: readonly VolumeSpec[];
}

export interface ExecutorSpec {
  /** null: a process on the host, by the command BRIGADE_EXECUTOR. */
  readonly container: ExecutorContainerSpec | null;
  readonly cpus: number;
  readonly memMb: number;
  readonly idleTimeoutMs: number;
  /** An executor is replaced after so many tasks. */
  readonly maxTasks: number;
  readonly env: readonly (readonly [name: string, value: string])[];
}

export interface ProcessorSpec {
  readonly name: string;
  readonly input: string;
  /** null: standard output is thrown away. */
  readonly output: string | null;
  /** null: failed records are only logged and counted. */
  readonly error: ErrorTopicSpec | null;
  readonly program: ProgramSpec;
  readonly isolation: "process" | "container" | "exec";
  /** Containers on each agent that have started and wait for a record; 0: none. Only in `container` isolation. */
  readonly warm: number;
  /** Runs that one container takes in `exec` isolation. */
  readonly maxUses: number;
  readonly cpus: number;
  readonly memMb: number;
  readonly volumes: readonly VolumeSpec[];
  readonly env: readonly (readonly [name: string, value: string])[];
  /** Environment from files of the agent, which the executor there reads. */
  readonly secrets: readonly (readonly [name: string, file: string])[];
  readonly constraints: readonly ConstraintSpec[];
  /** null: no limit. */
  readonly timeoutMs: number | null;
  readonly retry: RetrySpec;
  readonly maxOutputBytes: number;
  /** Exit 0 with empty stdout: send an empty value, or nothing. */
  readonly emptyOutput: "send" | "drop";
  /** Runs at once over all agents. */
  readonly concurrency: number;
  /** Bounds of what is read and not yet settled (I6). */
  readonly maxInFlightBytes: number;
  readonly from: "earliest" | "latest";
  /** Consumer group; null: the default of DEPLOYMENT, input and name. */
  readonly group: string | null;
  readonly ordering: "none" | "key" | "partition";
  /** Whether a record, or another of its key, may run while a former run that was given up may still be alive. */
  readonly overlap: "allow" | "forbid";
  /** How long a run on an agent that is out of reach is waited for before it is given up. */
  readonly unreachableTimeoutMs: number;
  /** How long a change that needs it waits for what was read before. */
  readonly drainTimeoutMs: number;
  readonly executor: ExecutorSpec;
  /** Short hash of everything above: which version a run belongs to. */
  readonly version: string;
}
