import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, symlinkSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { describeError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { CommandInfo, ContainerId } from "../../mesos/types.ts";
import type { ContainerEvent } from "./agent.ts";
import type { AgentSettings, ContainerLaunch } from "./agent-types.ts";
import { executorEnvironment } from "./executor-environment.ts";
import { killGroup } from "./process-group.ts";

export interface LauncherOptions {
  readonly workDir: string;
  readonly settings: AgentSettings;
  readonly log: Logger;
  readonly onEvent: (event: ContainerEvent) => void;
}

/**
 * Runs executors as processes: each in a sandbox of its own, with its output in the files `stdout` and `stderr` there,
 * and as head of a process group that ends with it.
 */
export class Launcher {
  readonly #options: LauncherOptions;
  readonly #children = new Map<ContainerId, ChildProcess>();
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
    const pid = this.#children.get(containerId)?.pid;
    if (pid !== undefined) killGroup(pid);
  }

  /** Resolves once no executor has a process. */
  async idle(): Promise<void> {
    while (this.#launching > 0 || this.#children.size > 0) {
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    }
  }

  #launch(container: ContainerLaunch): void {
    const { containerId } = container;
    const { onEvent, log } = this.#options;
    try {
      const child = this.#spawn(container);
      const ended = (waitStatus: number): void => {
        if (!this.#children.delete(containerId)) return;
        // Whatever it has left behind in its group ends with it.
        if (child.pid !== undefined) killGroup(child.pid);
        onEvent({ type: "exited", containerId, waitStatus });
        this.#wakeWaiters();
      };
      if (child.pid === undefined) {
        child.once("error", (error) => onEvent({ type: "launch-failed", containerId, message: describeError(error) }));
        return;
      }
      this.#children.set(containerId, child);
      child.once("error", (error) => log.warn("executor process failed", { containerId, error }));
      child.once("exit", (code, signal) => ended(waitStatusOf(code, signal)));
      log.info("executor started", { executorId: container.executor.executorId, pid: child.pid });
      onEvent({ type: "started", containerId, pid: child.pid });
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
