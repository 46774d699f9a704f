import type { Clock } from "../../../src/base/clock.ts";
import type { Random } from "../../../src/base/random.ts";
import { StepLoop } from "../../../src/base/step-loop.ts";
import { BuiltInSession, type SessionCommand, type SessionEvent } from "../../../src/local/mesos/built-in/session.ts";
import type { CommandEnd } from "../../../src/local/mesos/built-in/signals.ts";
import type {
  ContainerAdoption,
  ContainerEvent,
  Containerizer,
  ContainerLaunch,
} from "../../../src/local/mesos/containers/containerizer.ts";
import type { HttpAnswer } from "../../../src/local/mesos/http/answer.ts";
import type { HttpRequest } from "../../../src/local/mesos/http/request-parser.ts";
import { decodeExecutorEvent, encodeExecutorCall } from "../../../src/mesos/codec.ts";
import type { ExecutorCall } from "../../../src/mesos/executor-api.ts";
import type { ContainerId, TaskId } from "../../../src/mesos/types.ts";

export interface VirtualContainersOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent: (event: ContainerEvent) => void;
  /** As the agent answers it. */
  readonly handle: (request: HttpRequest) => HttpAnswer;
  /** What a real containerizer would find wrong with a launch. */
  readonly problem?: (container: ContainerLaunch) => ContainerEvent | undefined;
}

/** Containers without processes: custom executors are played by the test, the built-in ones run their real session. */
export class VirtualContainers implements Containerizer {
  readonly launched: ContainerLaunch[] = [];
  readonly #options: VirtualContainersOptions;
  readonly #gone = new Set<ContainerId>();
  readonly #builtIn = new Map<ContainerId, VirtualBuiltIn>();
  #pid = 1000;

  constructor(options: VirtualContainersOptions) {
    this.#options = options;
  }

  launch(container: ContainerLaunch): void {
    this.launched.push(container);
    queueMicrotask(() => this.#launch(container));
  }

  adopt({ containerId }: ContainerAdoption): void {
    if (this.#gone.has(containerId)) queueMicrotask(() => this.#tell({ type: "exited", containerId, waitStatus: -1 }));
  }

  update(): void {
    // Nothing is held to its resources.
  }

  destroy(containerId: ContainerId): void {
    queueMicrotask(() => this.exit(containerId, 9));
  }

  idle(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends an executor's process; a second time is nothing. */
  exit(containerId: ContainerId, waitStatus: number): void {
    if (this.#gone.has(containerId)) return;
    this.#gone.add(containerId);
    this.#tell({ type: "exited", containerId, waitStatus });
  }

  /** Ends an executor without anybody who could tell: its agent is away. */
  vanish(containerId: ContainerId): void {
    this.#gone.add(containerId);
  }

  /** Ends the command of a task; false where it runs none. */
  endCommand(taskId: TaskId, end: CommandEnd): boolean {
    return [...this.#builtIn.values()].some((executor) => executor.endCommand(taskId, end));
  }

  #launch(container: ContainerLaunch): void {
    const { containerId, kind } = container;
    const problem = this.#options.problem?.(container);
    if (problem !== undefined) {
      this.#gone.add(containerId);
      this.#tell(problem);
      return;
    }
    this.#tell({ type: "started", containerId, process: { pid: this.#pid++, startTime: "0" } });
    if (kind === "custom") return;
    const executor = new VirtualBuiltIn(container, this.#options, (code) => this.exit(containerId, code << 8));
    this.#builtIn.set(containerId, executor);
    executor.start();
  }

  #tell(event: ContainerEvent): void {
    this.#options.onEvent(event);
  }
}

/** A built-in executor whose commands run until the test ends them. */
class VirtualBuiltIn {
  readonly #container: ContainerLaunch;
  readonly #options: VirtualContainersOptions;
  readonly #session: BuiltInSession;
  readonly #loop: StepLoop<SessionEvent, SessionCommand>;
  readonly #exit: (code: number) => void;
  readonly #running = new Set<TaskId>();

  constructor(container: ContainerLaunch, options: VirtualContainersOptions, exit: (code: number) => void) {
    this.#container = container;
    this.#options = options;
    this.#exit = exit;
    const { clock, random } = options;
    this.#session = new BuiltInSession(
      {
        kind: container.kind === "default" ? "default" : "command",
        executorId: container.executor.executorId,
        shutdownGraceMs: container.shutdownGraceMs,
        epochMs: clock.wallMs() - clock.monotonicMs(),
      },
      random,
    );
    this.#loop = new StepLoop(this.#session, { type: "time" }, clock, (command) => this.#perform(command));
  }

  start(): void {
    const answer = this.#call(this.#session.subscribe());
    if (answer.type !== "stream") throw new Error("The agent refused a built-in executor");
    answer.open({
      write: (chunk) => {
        const record = chunk.subarray(chunk.indexOf(10) + 1);
        const event = decodeExecutorEvent(record.slice(), "application/json");
        queueMicrotask(() => this.#loop.dispatch({ type: "event", event }));
      },
      end: () => undefined,
    });
  }

  endCommand(taskId: TaskId, end: CommandEnd): boolean {
    if (!this.#running.delete(taskId)) return false;
    this.#loop.dispatch({ type: "ended", taskId, end });
    return true;
  }

  #perform(command: SessionCommand): void {
    switch (command.type) {
      case "update":
        this.#call({ type: "UPDATE", status: command.status });
        return;
      case "start":
        this.#running.add(command.task.taskId);
        this.#loop.dispatch({ type: "started", taskId: command.task.taskId });
        return;
      case "probe": {
        // Nothing that was ever looked at in a recording was well.
        const { taskId } = command.task;
        const result = { type: "command", exitCode: 1 } as const;
        queueMicrotask(() => this.#loop.dispatch({ type: "probed", taskId, kind: command.due.kind, result }));
        return;
      }
      case "signal":
        return;
      case "exit":
        this.#loop.stop();
        queueMicrotask(() => this.#exit(command.code));
    }
  }

  #call(call: ExecutorCall): HttpAnswer {
    const { frameworkId, executor } = this.#container;
    const json = "application/json";
    return this.#options.handle({
      method: "POST",
      path: "/slave(1)/api/v1/executor",
      query: new URLSearchParams(),
      headers: new Map([
        ["content-type", json],
        ["accept", json],
      ]),
      body: encodeExecutorCall({ frameworkId, executorId: executor.executorId, call }, json),
      keepAlive: true,
    });
  }
}
