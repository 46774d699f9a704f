import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, closeSync, mkdirSync, openSync } from "node:fs";
import { basename, join } from "node:path";
import { utf8 } from "../../../base/bytes.ts";
import type { Clock } from "../../../base/clock.ts";
import { assertNever, describeError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { Random } from "../../../base/random.ts";
import { StepLoop } from "../../../base/step-loop.ts";
import { ExecutorConnection } from "../../../mesos/executor-connection.ts";
import { type ExecutorEnvironment, secretVariables } from "../../../mesos/executor-environment.ts";
import type { ExecutorConnectionEvent } from "../../../mesos/executor-subscription.ts";
import type { ContainerId, TaskId, TaskInfo } from "../../../mesos/types.ts";
import { argvOf, commandEnvironment } from "../containers/environment.ts";
import { FetchCache } from "../containers/fetch-cache.ts";
import { fetchAll } from "../containers/fetcher.ts";
import { imageProblem } from "../containers/images.ts";
import { findUser, type UserIds } from "../containers/users.ts";
import { DockerCommands } from "./docker-commands.ts";
import { makeProbe, type ProbedPlace } from "./probes.ts";
import { signalGroup } from "./process-groups.ts";
import { BuiltInSession, type BuiltInSettings, isDocker, type SessionCommand, type SessionEvent } from "./session.ts";
import { type CommandEnd, printEnd } from "./signals.ts";
import type { DueProbe, ProbeResult } from "./task-checks.ts";

/** How long the agent may take to answer the last calls of an executor that leaves. */
const DRAIN_MS = 1000;

export interface BuiltInExecutorOptions {
  readonly kind: BuiltInSettings["kind"];
  readonly environment: ExecutorEnvironment;
  /** The process environment, which commands get as well. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly sandbox: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Mesos' own executors: runs the commands of tasks that have no executor of their framework's. */
export class BuiltInExecutor {
  readonly #options: BuiltInExecutorOptions;
  readonly #session: BuiltInSession;
  readonly #loop: StepLoop<SessionEvent, SessionCommand>;
  readonly #connection: ExecutorConnection;
  readonly #children = new Map<TaskId, number>();
  readonly #places = new Map<TaskId, ProbedPlace>();
  #docker: DockerCommands | undefined;
  readonly #exited = Promise.withResolvers<number>();

  constructor(options: BuiltInExecutorOptions) {
    this.#options = options;
    const { kind, environment, clock, random, log } = options;
    this.#session = new BuiltInSession(
      {
        kind,
        executorId: environment.executorId,
        shutdownGraceMs: environment.shutdownGracePeriodMs,
        epochMs: clock.wallMs() - clock.monotonicMs(),
      },
      random,
    );
    this.#loop = new StepLoop(this.#session, { type: "time" }, clock, (command) => this.#perform(command));
    const subscribe = () => this.#session.subscribe();
    this.#connection = new ExecutorConnection({
      environment,
      subscribe,
      clock,
      random,
      log,
      onEvent: (event) => this.#heard(event),
    });
  }

  /** @returns the exit code; no command runs any more */
  async run(): Promise<number> {
    this.#connection.start();
    const code = await this.#exited.promise;
    this.#loop.stop();
    for (const pid of this.#children.values()) signalGroup(pid, "SIGKILL");
    await this.#docker?.close();
    const { clock } = this.#options;
    const deadline = Promise.withResolvers<void>();
    const cancel = clock.schedule(DRAIN_MS, deadline.resolve);
    await Promise.race([this.#connection.drain(), deadline.promise]);
    cancel();
    this.#connection.close();
    return code;
  }

  #heard(event: ExecutorConnectionEvent): void {
    if (event.type === "event") this.#loop.dispatch({ type: "event", event: event.event });
    else if (event.type === "gave-up") this.#loop.dispatch({ type: "gave-up" });
  }

  #perform(command: SessionCommand): void {
    switch (command.type) {
      case "update":
        return this.#connection.call({ type: "UPDATE", status: command.status });
      case "start":
        return isDocker(command.task) ? this.#runInDocker(command.task) : void this.#start(command.task);
      case "probe":
        return void this.#probe(command.task, command.due);
      case "signal": {
        const pid = this.#children.get(command.taskId);
        if (pid !== undefined) signalGroup(pid, command.signal);
        else this.#docker?.signal(command.taskId, command.signal);
        return;
      }
      case "exit":
        return this.#exited.resolve(command.code);
      default:
        return assertNever(command);
    }
  }

  async #probe(task: TaskInfo, due: DueProbe): Promise<void> {
    const { taskId } = task;
    const result = await this.#look(task, due);
    if (result.type === "failed")
      this.#options.log.warn("task could not be looked at", { taskId, reason: result.reason });
    this.#loop.dispatch({ type: "probed", taskId, kind: due.kind, result });
  }

  #look(task: TaskInfo, due: DueProbe): Promise<ProbeResult> {
    const place = this.#places.get(task.taskId);
    if (place !== undefined) return makeProbe(due, place, this.#options.clock);
    if (this.#docker !== undefined && isDocker(task)) return this.#docker.probe(task.taskId, due);
    return Promise.resolve({ type: "failed", reason: "the task does not run" });
  }

  #runInDocker(task: TaskInfo): void {
    const { taskId } = task;
    const { environment, variables, sandbox, clock, log } = this.#options;
    const containerId = basename(environment.hostSandbox ?? sandbox) as ContainerId;
    const agentId = environment.agentId ?? task.agentId;
    this.#docker ??= new DockerCommands({ agentId, containerId, sandbox, env: variables, clock, log });
    void this.#docker.run(task, {
      started: (inspected, ipAddress) => {
        this.#loop.dispatch({ type: "started", taskId, data: utf8(inspected), ipAddress });
      },
      ended: (code) => this.#loop.dispatch({ type: "ended", taskId, end: { type: "exited", code } }),
      refused: (message) => this.#loop.dispatch({ type: "refused", taskId, message }),
    });
  }

  async #start(task: TaskInfo): Promise<void> {
    const { taskId } = task;
    const { kind, sandbox } = this.#options;
    const folder = kind === "command" ? sandbox : join(sandbox, "tasks", taskId);
    const user = task.command?.user === undefined ? { type: "own" as const } : findUser(task.command.user);
    try {
      if (user.type === "unknown") throw new Error(`No such user '${task.command?.user}'`);
      const problem = imageProblem(task.container);
      if (problem !== undefined) throw new Error(problem);
      mkdirSync(folder, { recursive: true });
      if (kind === "default") await this.#fetch(task, folder);
    } catch (error) {
      this.#loop.dispatch({
        type: "not-prepared",
        taskId,
        message: `Failed to launch container: ${describeError(error)}`,
      });
      return;
    }
    // A command task's executor has become that user already.
    this.#run(task, folder, kind === "default" && user.type === "other" ? user.ids : undefined);
  }

  /** The files of a command task were brought by the agent. */
  async #fetch({ command }: TaskInfo, folder: string): Promise<void> {
    const uris = command?.uris ?? [];
    const { clock, sandbox } = this.#options;
    const signal = new AbortController().signal;
    const say = (line: string): void => appendFileSync(join(folder, "stderr"), `${line}\n`);
    const request = { uris, sandbox: folder, user: command?.user ?? "", owner: undefined, clock, signal, say };
    await fetchAll(request, new FetchCache(join(sandbox, ".fetch")));
  }

  #run(task: TaskInfo, folder: string, user: UserIds | undefined): void {
    const { taskId } = task;
    const say = (line: string): void => this.#say(line);
    say(`Starting task ${taskId}`);
    let child: ChildProcess;
    try {
      child = this.#spawn(task, folder, user);
    } catch (error) {
      return this.#neverRan(taskId, error);
    }
    const { pid } = child;
    if (pid === undefined) {
      child.once("error", (error) => this.#neverRan(taskId, error));
      return;
    }
    say(`Forked command at ${pid}`);
    this.#children.set(taskId, pid);
    this.#places.set(taskId, { cwd: folder, env: taskVariables(task, this.#options.variables), user });
    this.#loop.dispatch({ type: "started", taskId });
    child.once("error", (error) => this.#options.log.warn("command failed", { taskId, error }));
    child.once("exit", (code, signal) => {
      // Whatever it has left behind ends with it.
      signalGroup(pid, "SIGKILL");
      this.#children.delete(taskId);
      this.#places.delete(taskId);
      const end: CommandEnd = signal === null ? { type: "exited", code: code ?? 0 } : { type: "signalled", signal };
      say(`Command ${printEnd(end)} (pid: ${pid})`);
      this.#loop.dispatch({ type: "ended", taskId, end });
    });
  }

  /** As Mesos', whose own child it is that finds no program. */
  #neverRan(taskId: TaskId, error: unknown): void {
    process.stderr.write(`Failed to execute command: ${describeError(error)}\n`);
    this.#loop.dispatch({ type: "started", taskId });
    this.#loop.dispatch({ type: "ended", taskId, end: { type: "exited", code: 1 } });
  }

  #spawn(task: TaskInfo, folder: string, user: UserIds | undefined): ChildProcess {
    const { program, args, argv0 } = argvOf(task.command);
    const own = this.#options.kind === "command";
    const files = own ? [] : ["stdout", "stderr"].map((name) => openSync(join(folder, name), "a"));
    const [stdout, stderr] = files;
    try {
      return spawn(program, args, {
        cwd: folder,
        env: taskVariables(task, this.#options.variables),
        argv0,
        ...user,
        stdio: ["ignore", stdout ?? "inherit", stderr ?? "inherit"],
        // A process group of its own, to be signalled without the executor.
        detached: true,
      });
    } finally {
      for (const file of files) closeSync(file);
    }
  }

  /** Its output joins that of the command, as with Mesos' own. */
  #say(line: string): void {
    process.stdout.write(`${line}\n`);
  }
}

/** The executor's environment, the command's own, and the role that pays. */
function taskVariables(
  { command, resources = [] }: TaskInfo,
  own: BuiltInExecutorOptions["variables"],
): Record<string, string> {
  const role = resources.find(({ allocationInfo }) => allocationInfo?.role !== undefined)?.allocationInfo?.role;
  const inherited = Object.entries(own).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !secretVariables.includes(entry[0]),
  );
  return {
    ...Object.fromEntries(inherited),
    ...commandEnvironment(command),
    ...(role === undefined ? {} : { MESOS_ALLOCATION_ROLE: role }),
  };
}
