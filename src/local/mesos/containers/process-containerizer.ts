import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { describeError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { CommandInfo, ContainerId } from "../../../mesos/types.ts";
import type { ContainerProcess } from "../agent/agent-memory.ts";
import type { AgentSettings } from "../agent/agent-types.ts";
import type { ContainerAdoption, ContainerEvent, Containerizer, ContainerLaunch } from "./containerizer.ts";
import { executorEnvironment } from "./environment.ts";
import { FetchCache } from "./fetch-cache.ts";
import { fetchAll } from "./fetcher.ts";
import { isRunning, killGroup, killMarked, startTimeOf } from "./processes.ts";
import { makeSandbox, sandboxPath } from "./sandbox.ts";
import { findUser, type UserIds } from "./users.ts";

/** How often a process is looked for that is no child of this one. */
const WATCH_INTERVAL_MS = 200;
const UNKNOWN_WAIT_STATUS = -1;
/** Of a process that ended at once, or where start times are not to be had. */
const UNKNOWN_START_TIME = "unknown";

export interface ProcessContainerizerOptions {
  readonly workDir: string;
  readonly settings: AgentSettings;
  readonly clock: Clock;
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
  readonly #cache: FetchCache;
  readonly #containers = new Map<ContainerId, Container>();
  #idleWaiters: (() => void)[] = [];

  constructor(options: ProcessContainerizerOptions) {
    this.#options = options;
    this.#cache = new FetchCache(join(options.workDir, "fetch"));
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
    const { onEvent, log, settings, workDir } = this.#options;
    const owner = { frameworkId: container.frameworkId, executorId: executor.executorId };
    const sandbox = sandboxPath(workDir, settings.id, owner, containerId);
    const userName = executor.command?.user ?? container.framework.user;
    const user = findUser(userName);
    try {
      makeSandbox(sandbox, user.type === "other" ? user.ids : undefined);
      if (user.type === "unknown") {
        throw new Error(`Failed to chown directory to '${userName}': No such user '${userName}'`);
      }
    } catch (error) {
      const message = `Failed to create executor directory '${sandbox}': ${describeError(error)}`;
      this.#over({ type: "not-created", containerId, message });
      return;
    }
    try {
      const ids = user.type === "other" ? user.ids : undefined;
      await this.#fetch(container, sandbox, userName, ids, signal);
      signal.throwIfAborted();
      const child = this.#spawn(container, sandbox, ids);
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
      // Without its causes: those are for the log.
      const message = error instanceof Error ? error.message : String(error);
      this.#over({ type: "launch-failed", containerId, message });
    }
  }

  async #fetch(
    { containerId, executor }: ContainerLaunch,
    sandbox: string,
    user: string,
    ids: UserIds | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const uris = executor.command?.uris ?? [];
    if (uris.length === 0) return;
    const say = (line: string): void => appendFileSync(join(sandbox, "stderr"), `${line}\n`);
    try {
      await fetchAll({ uris, sandbox, user, owner: ids, clock: this.#options.clock, signal, say }, this.#cache);
    } catch (cause) {
      // The reason stands in the sandbox; this is all that a real agent says, too.
      throw new Error(`Failed to fetch all URIs for container '${containerId}': exited with status 1`, { cause });
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

function argvOf(command: CommandInfo = {}): { program: string; args: string[]; argv0: string } {
  const { shell = true, value = "", arguments: argv = [] } = command;
  if (shell) return { program: "/bin/sh", args: ["-c", value], argv0: "sh" };
  return { program: value, args: argv.slice(1), argv0: argv[0] ?? value };
}

/** As wait(2) gives it: the signal, or the exit code in the second byte. */
function waitStatusOf(code: number | null, signal: NodeJS.Signals | null): number {
  if (signal !== null) return constants.signals[signal];
  return (code ?? 0) << 8;
}
