import type {
  ContainerId,
  ExecutorInfo,
  FrameworkId,
  FrameworkInfo,
  Resource,
  ResourceLimits,
  TaskInfo,
} from "../../../mesos/types.ts";

/**
 * Who subscribes from a container.
 *
 * - custom: the framework's own executor
 * - command: the built-in one around a task that is only a command
 * - default: the built-in one for groups of tasks
 */
export type ExecutorKind = "custom" | "command" | "default";

/** The process that heads a container; `startTime` tells it from a later one with the same id. */
export interface ContainerProcess {
  readonly pid: number;
  readonly startTime: string;
}

/** What an agent wants to be started. */
export interface ContainerLaunch {
  readonly containerId: ContainerId;
  readonly framework: FrameworkInfo;
  readonly frameworkId: FrameworkId;
  readonly kind: ExecutorKind;
  /** Of a built-in executor the one that the agent made for it: with its own program as `command`. */
  readonly executor: ExecutorInfo;
  /** The task that it is started for; of a group the first. */
  readonly task: TaskInfo;
  /** Those of the executor and of all tasks that it is started for. */
  readonly resources: readonly Resource[];
  readonly limits: ResourceLimits;
  readonly shutdownGraceMs: number;
}

/** A container of an agent's earlier life. */
export interface ContainerAdoption {
  readonly containerId: ContainerId;
  readonly framework: FrameworkInfo;
  readonly frameworkId: FrameworkId;
  readonly kind: ExecutorKind;
  readonly executor: ExecutorInfo;
  /** As `started` once told it. */
  readonly process: ContainerProcess;
}

/** What a containerizer tells of its containers. After `not-created`, `launch-failed` or `exited` nothing more comes. */
export type ContainerEvent =
  /** Its executor runs; it may have subscribed before. */
  | { readonly type: "started"; readonly containerId: ContainerId; readonly process: ContainerProcess }
  /** There is not even a sandbox: the task was never launched. */
  | { readonly type: "not-created"; readonly containerId: ContainerId; readonly message: string }
  | { readonly type: "launch-failed"; readonly containerId: ContainerId; readonly message: string }
  | {
      readonly type: "exited";
      readonly containerId: ContainerId;
      /** As wait(2) gives it; -1 where it is not known. */
      readonly waitStatus: number;
      /** Default: `Executor terminated`. */
      readonly message?: string;
    };

/**
 * Runs the executors of one agent, each in a container with a sandbox of its own. What a container is, is the
 * implementation's: a group of processes, or a container of Docker's.
 *
 * Events come later, never from within a method.
 */
export interface Containerizer {
  launch(container: ContainerLaunch): void;
  /** Looks after a container that this process has not started; `exited` follows in the end, at once if it is gone. */
  adopt(container: ContainerAdoption): void;
  /** The sum of what its executor and live tasks are allowed has changed. */
  update(containerId: ContainerId, resources: readonly Resource[], limits: ResourceLimits): void;
  /** Kills whatever is in it at once; `exited` (or, before `started`, `launch-failed`) follows. One that is gone: nothing. */
  destroy(containerId: ContainerId): void;
  /** Resolves once there is no container any more. */
  idle(): Promise<void>;
}
