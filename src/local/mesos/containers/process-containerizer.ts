import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import type { Logger } from "../../../base/log.ts";
import type { ContainerId } from "../../../mesos/types.ts";
import type {
  ContainerAdoption,
  ContainerEvent,
  Containerizer,
  ContainerLaunch,
  ContainerProcess,
} from "./containerizer.ts";
import { argvOf, executorEnvironment } from "./environment.ts";
import { launchFailure, prepare, type Surroundings } from "./preparation.ts";
import { isRunning, killGroup, killMarked, startTimeOf } from "./processes.ts";
import { sandboxPath } from "./sandbox.ts";
import type { UserIds } from "./users.ts";

/** How often a process is looked for that is no child of this one. */
const WATCH_INTERVAL_MS = 200;
const UNKNOWN_WAIT_STATUS = -1;
/** Of a process that ended at once, or where start times are not to be had. */
const UNKNOWN_START_TIME = "unknown";

export interface ProcessContainerizerOptions extends Surroundings {
  readonly log: Logger;
  readonly onEvent: (event: ContainerEvent) => void;
}

type Container =
  /** Its files are being fetched. */
  | { readonly type: "starting"; readonly abort: AbortController }
  | { readonly type: "running"; readonly process: ContainerProcess; readonly sandbox: string };

/**
 * Runs executors as processes: each in a sandbox of its own, with its output in the files `stdout` and `stderr` there,
 * and as head of a process group that ends with it. Nothing is held to its resources, as by real agents without cgroups.
 */
export class ProcessContainerizer implements Containerizer {
  readonly #options: ProcessContainerizerOptions;
  readonly #containers = new Map<ContainerId, Container>();
  #idleWaiters: (() => void)[] = [];

  constructor(options: ProcessContainerizerOptions) {
    this.#options = options;
  }

  launch(container: ContainerLaunch): void {
    const abort = new AbortController();
    this.#containers.set(container.containerId, { type: "starting", abort });
    queueMicrotask(() => void this.#launch(container, abort.signal));
  }

  update(): void {
    // Nothing is held to its resources.
  }

  destroy(containerId: ContainerId): void {
    const container = this.#containers.get(containerId);
    if (container?.type === "running") killGroup(container.process);
    else container?.abort.abort(new Error("Container is being destroyed"));
  }

  async idle(): Promise<void> {
    while (this.#containers.size > 0) {
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    }
  }

  /** How it ends cannot be told of a process that is no child. */
  adopt({ containerId, frameworkId, executor, process }: ContainerAdoption): void {
    const { workDir, settings } = this.#options;
    const owner = { frameworkId, executorId: executor.executorId };
    const sandbox = sandboxPath(workDir, settings.id, owner, containerId);
    this.#containers.set(containerId, { type: "running", process, sandbox });
    this.#watch(containerId, process);
  }

  #watch(containerId: ContainerId, process: ContainerProcess): void {
    const pauseMs = isRunning(process) ? WATCH_INTERVAL_MS : 0;
    this.#options.clock.schedule(pauseMs, () => {
      if (isRunning(process)) this.#watch(containerId, process);
      else this.#ended(containerId, UNKNOWN_WAIT_STATUS);
    });
  }

  #ended(containerId: ContainerId, waitStatus: number): void {
    const container = this.#containers.get(containerId);
    if (container?.type !== "running") return;
    // Whatever it has left behind ends with it.
    killGroup(container.process);
    killMarked(`MESOS_DIRECTORY=${container.sandbox}`);
    this.#over({ type: "exited", containerId, waitStatus });
  }

  #over(event: ContainerEvent): void {
    this.#containers.delete(event.containerId);
    this.#options.onEvent(event);
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const wake of waiters) wake();
  }

  async #launch(container: ContainerLaunch, signal: AbortSignal): Promise<void> {
    const { containerId, executor } = container;
    const { onEvent, log } = this.#options;
    try {
      const { sandbox, user } = await prepare(container, this.#options, signal);
      // Who runs a container needs the Engine's socket.
      const child = this.#spawn(container, sandbox, executor.container?.type === "DOCKER" ? undefined : user);
      const { pid } = child;
      if (pid === undefined) throw await new Promise<Error>((resolve) => child.once("error", resolve));
      const process = { pid, startTime: startTimeOf(pid) ?? UNKNOWN_START_TIME };
      this.#containers.set(containerId, { type: "running", process, sandbox });
      child.once("error", (error) => log.warn("executor process failed", { containerId, error }));
      child.once("exit", (code, endedBy) => this.#ended(containerId, waitStatusOf(code, endedBy)));
      log.info("executor started", { executorId: executor.executorId, pid });
      onEvent({ type: "started", containerId, process });
    } catch (error) {
      log.warn("executor not started", { executorId: executor.executorId, error });
      this.#over(launchFailure(containerId, error));
    }
  }

  #spawn(container: ContainerLaunch, sandbox: string, user: UserIds | undefined): ChildProcess {
    const env = executorEnvironment(container, this.#options.settings, sandbox);
    const [stdout, stderr] = ["stdout", "stderr"].map((name) => openSync(join(sandbox, name), "a"));
    try {
      const { program, args, argv0 } = argvOf(container.executor.command);
      return spawn(program, args, {
        cwd: sandbox,
        env,
        argv0,
        ...user,
        stdio: ["ignore", stdout, stderr],
        // A process group of its own, so that all of it can be ended at once.
        detached: true,
      });
    } finally {
      for (const file of [stdout, stderr]) if (file !== undefined) closeSync(file);
    }
  }
}

/** As wait(2) gives it: the signal, or the exit code in the second byte. */
function waitStatusOf(code: number | null, signal: NodeJS.Signals | null): number {
  if (signal !== null) return constants.signals[signal];
  return (code ?? 0) << 8;
}
