import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, symlinkSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { CommandInfo, ContainerId } from "../../mesos/types.ts";
import type { ContainerEvent } from "./agent.ts";
import type { ContainerProcess } from "./agent-memory.ts";
import type { AgentSettings, ContainerLaunch } from "./agent-types.ts";
import { executorEnvironment } from "./executor-environment.ts";
import { isRunning, killGroup, startTimeOf } from "./processes.ts";

/** How often a process is looked for that is no child of this one. */
const WATCH_INTERVAL_MS = 200;
const UNKNOWN_WAIT_STATUS = -1;
/** Of a process that ended at once, or where start times are not to be had. */
const UNKNOWN_START_TIME = "unknown";

export interface LauncherOptions {
  readonly workDir: string;
  readonly settings: AgentSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onEvent: (event: ContainerEvent) => void;
}

/**
 * Runs executors as processes: each in a sandbox of its own, with its output in the files `stdout` and `stderr` there,
 * and as head of a process group that ends with it.
 */
export class Launcher {
  readonly #options: LauncherOptions;
  /** The process that heads each container's group. */
  readonly #containers = new Map<ContainerId, ContainerProcess>();
  #launching = 0;
  #idleWaiters: (() => void)[] = [];

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** `started` or `launch-failed` follows later, never within this call. */
  launch(container: ContainerLaunch): void {
    this.#launching++;
    queueMicrotask(() => {
      this.#launching--;
      this.#launch(container);
      this.#wakeWaiters();
    });
  }

  /** Kills the container's processes; `exited` follows as for any other end. */
  destroy(containerId: ContainerId): void {
    const process = this.#containers.get(containerId);
    if (process !== undefined) killGroup(process);
  }

  /** Resolves once no executor has a process. */
  async idle(): Promise<void> {
    while (this.#launching > 0 || this.#containers.size > 0) {
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    }
  }

  /** Watches a process that this one has not started; how it ends cannot be told. */
  adopt(containerId: ContainerId, process: ContainerProcess): void {
    this.#containers.set(containerId, process);
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
    const process = this.#containers.get(containerId);
    if (process === undefined) return;
    this.#containers.delete(containerId);
    // Whatever it has left behind in its group ends with it.
    killGroup(process);
    this.#options.onEvent({ type: "exited", containerId, waitStatus });
    this.#wakeWaiters();
  }

  #launch(container: ContainerLaunch): void {
    const { containerId } = container;
    const { onEvent, log } = this.#options;
    try {
      const child = this.#spawn(container);
      const { pid } = child;
      if (pid === undefined) {
        child.once("error", (error) => onEvent({ type: "launch-failed", containerId, message: describeError(error) }));
        return;
      }
      const process = { pid, startTime: startTimeOf(pid) ?? UNKNOWN_START_TIME };
      this.#containers.set(containerId, process);
      child.once("error", (error) => log.warn("executor process failed", { containerId, error }));
      child.once("exit", (code, signal) => this.#ended(containerId, waitStatusOf(code, signal)));
      log.info("executor started", { executorId: container.executor.executorId, pid });
      onEvent({ type: "started", containerId, process });
    } catch (error) {
      onEvent({ type: "launch-failed", containerId, message: describeError(error) });
    }
  }

  #wakeWaiters(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const wake of waiters) wake();
  }

  #spawn(container: ContainerLaunch): ChildProcess {
    const { command, container: containerInfo } = container.executor;
    if (containerInfo !== undefined) throw new Error("Containers are not supported by Brigade's embedded Mesos");
    if ((command?.uris ?? []).length > 0) {
      throw new Error(`Failed to fetch all URIs for container '${container.containerId}': not supported`);
    }
    const { settings, workDir } = this.#options;
    const sandbox = makeSandbox(sandboxPath(workDir, settings, container));
    const env = executorEnvironment(container, settings, sandbox);
    const [stdout, stderr] = ["stdout", "stderr"].map((name) => openSync(join(sandbox, name), "a"));
    try {
      const { program, args, argv0 } = argvOf(command);
      return spawn(program, args, {
        cwd: sandbox,
        env,
        argv0,
        stdio: ["ignore", stdout, stderr],
        // A process group of its own, so that all of it can be ended at once.
        detached: true,
      });
    } finally {
      for (const file of [stdout, stderr]) if (file !== undefined) closeSync(file);
    }
  }
}

function argvOf(command: CommandInfo = {}): { program: string; args: string[]; argv0: string } {
  const { shell = true, value = "", arguments: argv = [] } = command;
  if (shell) return { program: "/bin/sh", args: ["-c", value], argv0: "sh" };
  return { program: value, args: argv.slice(1), argv0: argv[0] ?? value };
}

function sandboxPath(workDir: string, { id }: AgentSettings, container: ContainerLaunch): string {
  const { frameworkId, executor, containerId } = container;
  const executors = join(workDir, "slaves", id, "frameworks", frameworkId, "executors");
  return join(executors, executor.executorId, "runs", containerId);
}

/** Makes the folder and points the link `latest` beside it there. */
function makeSandbox(path: string): string {
  mkdirSync(path, { recursive: true });
  const latest = join(path, "..", "latest");
  rmSync(latest, { force: true });
  symlinkSync(path, latest);
  return path;
}

/** As wait(2) gives it: the signal, or the exit code in the second byte. */
function waitStatusOf(code: number | null, signal: NodeJS.Signals | null): number {
  if (signal !== null) return constants.signals[signal];
  return (code ?? 0) << 8;
}
