import type { Clock } from "../../../src/base/clock.ts";
import { InputError } from "../../../src/base/errors.ts";
import type { Random } from "../../../src/base/random.ts";
import { StepLoop } from "../../../src/base/step-loop.ts";
import {
  BuiltInSession,
  isDocker,
  type SessionCommand,
  type SessionEvent,
} from "../../../src/local/mesos/built-in/session.ts";
import type { CommandEnd } from "../../../src/local/mesos/built-in/signals.ts";
import type {
  ContainerAdoption,
  ContainerEvent,
  Containerizer,
  ContainerLaunch,
} from "../../../src/local/mesos/containers/containerizer.ts";
import { dockerRun } from "../../../src/local/mesos/containers/docker/docker-run.ts";
import type { HttpAnswer } from "../../../src/local/mesos/http/answer.ts";
import type { HttpRequest } from "../../../src/local/mesos/http/request-parser.ts";
import { decodeExecutorEvent, encodeExecutorCall } from "../../../src/mesos/codec.ts";
import type { ExecutorCall } from "../../../src/mesos/executor-api.ts";
import type { ContainerId, TaskId, TaskInfo } from "../../../src/mesos/types.ts";

export interface VirtualContainersOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent: (event: ContainerEvent) => void;
  /** As the agent answers it. */
  readonly handle: (request: HttpRequest) => HttpAnswer;
  /** What a real containerizer would find wrong with a launch; `hangs`: it never gets anywhere, as by a slow pull. */
  /** How long it takes until a container of Docker's has been launched, to its agent; its executor may subscribe before. */
  readonly dockerLaunchMs?: number;
  readonly problem?: (container: ContainerLaunch) => ContainerEvent | "hangs" | undefined;
}

/** How long the recorded Engine took to stop a container at once. */
const DOCKER_STOP_MS = 90;

/** Containers without processes: custom executors are played by the test, the built-in ones run their real session. */
export class VirtualContainers implements Containerizer {
  readonly launched: ContainerLaunch[] = [];
  readonly #options: VirtualContainersOptions;
  readonly #gone = new Set<ContainerId>();
  readonly #builtIn = new Map<ContainerId, VirtualBuiltIn>();
  readonly #hanging = new Set<ContainerId>();
  #pid = 1000;

  constructor(options: VirtualContainersOptions) {
    this.#options = options;
  }

  launch(container: ContainerLaunch): void {
    this.launched.push(container);
    queueMicrotask(() => this.#launch(container));
  }

  adopt({ containerId, kind, executor }: ContainerAdoption): void {
    if (kind === "custom" && executor.container?.type === "DOCKER") {
      this.#gone.delete(containerId);
      const message = "Abnormal executor termination: unknown container";
      queueMicrotask(() => this.#exit(containerId, { waitStatus: -1, message }));
      return;
    }
    if (this.#gone.has(containerId)) queueMicrotask(() => this.#tell({ type: "exited", containerId, waitStatus: -1 }));
    else queueMicrotask(() => this.#builtIn.get(containerId)?.start());
  }

  update(): void {
    // Nothing is held to its resources.
  }

  destroy(containerId: ContainerId): void {
    if (this.#hanging.delete(containerId)) {
      const message = "discarded; Abnormal executor termination: unknown container";
      queueMicrotask(() => this.#fail({ type: "launch-failed", containerId, message }));
    } else if (this.#isInDocker(containerId)) {
      this.#after(DOCKER_STOP_MS, () => this.#exit(containerId, { waitStatus: -1, message: "Container killed" }));
    } else queueMicrotask(() => this.exit(containerId, 9));
  }

  idle(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends an executor's process; a second time is nothing. Of what Docker runs the status is not told. */
  exit(containerId: ContainerId, waitStatus: number): void {
    if (this.#isInDocker(containerId)) this.#exit(containerId, { waitStatus: -1, message: "Container terminated" });
    else this.#exit(containerId, { waitStatus });
  }

  #exit(containerId: ContainerId, end: { readonly waitStatus: number; readonly message?: string }): void {
    if (this.#gone.has(containerId)) return;
    this.#gone.add(containerId);
    this.#tell({ type: "exited", containerId, ...end });
  }

  #isInDocker(containerId: ContainerId): boolean {
    return this.launched.find((each) => each.containerId === containerId)?.executor.container?.type === "DOCKER";
  }

  /** Ends an executor without anybody who could tell: its agent is away. */
  vanish(containerId: ContainerId): void {
    this.#gone.add(containerId);
  }

  /** Docker says that the container of a task runs; false where nobody waits for it. */
  startCommand(taskId: TaskId, data: Uint8Array): boolean {
    return [...this.#builtIn.values()].some((executor) => executor.startCommand(taskId, data));
  }

  /** Ends the command of a task; false where it runs none. */
  endCommand(taskId: TaskId, end: CommandEnd): boolean {
    return [...this.#builtIn.values()].some((executor) => executor.endCommand(taskId, end));
  }

  #launch(container: ContainerLaunch): void {
    const { containerId, kind } = container;
    const { dockerLaunchMs = 0 } = this.#options;
    const problem = this.#options.problem?.(container);
    if (problem === "hangs") {
      this.#hanging.add(containerId);
      return;
    }
    if (problem !== undefined) {
      // Only who looks for the container finds that it has ended.
      const isLate = problem.type === "launch-failed" && problem.message.endsWith("after launch");
      this.#after(isLate ? dockerLaunchMs : 0, () => this.#fail(problem));
      return;
    }
    const process = { pid: this.#pid++, startTime: "0" };
    this.#after(kind === "custom" && this.#isInDocker(containerId) ? dockerLaunchMs : 0, () => {
      if (!this.#gone.has(containerId)) this.#tell({ type: "started", containerId, process });
    });
    if (kind === "custom") return;
    const executor = new VirtualBuiltIn(container, this.#options, (code) => this.exit(containerId, code << 8));
    this.#builtIn.set(containerId, executor);
    executor.start();
  }

  #after(ms: number, act: () => void): void {
    if (ms === 0) act();
    else this.#options.clock.schedule(ms, act);
  }

  #fail(problem: ContainerEvent): void {
    this.#gone.add(problem.containerId);
    this.#tell(problem);
  }

  #tell(event: ContainerEvent): void {
    this.#options.onEvent(event);
  }
}

/** As `docker inspect` has it. */
function addressIn(data: Uint8Array): string | undefined {
  const [container] = JSON.parse(new TextDecoder().decode(data)) as [
    { readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> } },
  ];
  return Object.values(container.NetworkSettings.Networks).find(({ IPAddress }) => IPAddress !== "")?.IPAddress;
}

/** A built-in executor whose commands run until the test ends them. */
class VirtualBuiltIn {
  readonly #container: ContainerLaunch;
  readonly #options: VirtualContainersOptions;
  readonly #session: BuiltInSession;
  readonly #loop: StepLoop<SessionEvent, SessionCommand>;
  readonly #exit: (code: number) => void;
  readonly #running = new Set<TaskId>();
  /** Those of Docker's run when it says so. */
  readonly #starting = new Set<TaskId>();

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

  startCommand(taskId: TaskId, data: Uint8Array): boolean {
    if (!this.#starting.delete(taskId)) return false;
    this.#running.add(taskId);
    this.#loop.dispatch({ type: "started", taskId, data, ipAddress: addressIn(data) });
    return true;
  }

  endCommand(taskId: TaskId, end: CommandEnd): boolean {
    if (!this.#running.delete(taskId) && !this.#starting.delete(taskId)) return false;
    this.#loop.dispatch({ type: "ended", taskId, end });
    return true;
  }

  #perform(command: SessionCommand): void {
    switch (command.type) {
      case "update":
        this.#call({ type: "UPDATE", status: command.status });
        return;
      case "start":
        return isDocker(command.task) ? this.#startInDocker(command.task) : this.#start(command.task);
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

  #start({ taskId }: TaskInfo): void {
    this.#running.add(taskId);
    this.#loop.dispatch({ type: "started", taskId });
  }

  #startInDocker({ taskId, container = { type: "DOCKER" }, command = {}, resources = [] }: TaskInfo): void {
    try {
      dockerRun({ name: taskId, container, command, env: {}, sandbox: "/sandbox", resources });
      this.#starting.add(taskId);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#loop.dispatch({ type: "refused", taskId, message: error.message });
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
