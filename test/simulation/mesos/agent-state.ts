import { type Random, uuidBytes } from "../../../src/base/random.ts";
import type {
  AgentId,
  ExecutorId,
  ExecutorInfo,
  FrameworkId,
  TaskId,
  TaskInfo,
  TaskState,
  TaskStatus,
} from "../../../src/mesos/types.ts";
import type { Fact, TaskKey } from "../facts.ts";
import type { Faults } from "../faults.ts";
import type { Life } from "../life.ts";
import type { Machines } from "../machines.ts";
import type { VirtualTime } from "../time.ts";
import type { AgentLink, MessageToMaster } from "./cluster-messages.ts";
import type { ExecutorStream, SimulatedExecutor } from "./executor.ts";
import type { Programs } from "./programs.ts";
import { UpdateStream } from "./update-stream.ts";

export interface AgentTask {
  readonly info: TaskInfo;
  readonly executor: AgentExecutor;
  readonly milliCpus: number;
  latest: TaskState;
  /** Sent to the executor. */
  delivered: boolean;
}

export interface AgentExecutor {
  readonly frameworkId: FrameworkId;
  readonly info: ExecutorInfo;
  readonly life: Life;
  readonly process: SimulatedExecutor;
  phase: "starting" | "running" | "terminated";
  stream: ExecutorStream | undefined;
  /** Wait for its first subscription, or for the one after an agent's restart. */
  readonly queued: AgentTask[];
}

export interface AgentOptions {
  readonly id: AgentId;
  readonly milliCpus: number;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: Faults;
  readonly machines: Machines;
  readonly programs: Programs;
  readonly observe: (fact: Fact) => void;
  readonly taskKey: (frameworkId: FrameworkId, taskId: TaskId) => TaskKey;
  /** Registers at the leading master; false where there is none. */
  readonly register: (link: AgentLink, message: Extract<MessageToMaster, { type: "register" }>) => boolean;
  readonly toMaster: (agentId: AgentId, message: MessageToMaster) => void;
  /** The master sees that the connection is over. */
  readonly onParted: (agentId: AgentId) => void;
}

/** The agent's own word about a task. */
export type OwnWord = Pick<TaskStatus, "state" | "reason" | "message">;

/** What an agent holds and remembers, shared by its parts, and the updates that it repeats until they are acknowledged. */
export class AgentState {
  readonly options: AgentOptions;
  readonly tasks = new Map<string, AgentTask>();
  readonly executors = new Map<string, AgentExecutor>();
  /** By task; also of tasks that it does not hold. */
  readonly updates = new Map<string, UpdateStream>();
  host: "up" | "gone" = "up";
  /** The agent's own process; executors live on while it restarts. */
  process: "up" | "restarting" = "up";
  /** To the master it is registered at; undefined where there is none. */
  tell: (message: MessageToMaster) => void = () => undefined;
  /** Whether updates reach a master. */
  isHeard: () => boolean = () => false;

  constructor(options: AgentOptions) {
    this.options = options;
  }

  /** Whether the agent's process is there to act. */
  get acts(): boolean {
    return this.host === "up" && this.process === "up";
  }

  /** An update of the agent's own. */
  update(task: AgentTask, content: OwnWord): void {
    const { info, executor } = task;
    task.latest = content.state;
    this.report(executor.frameworkId, this.#own(info.taskId, executor.info.executorId, content));
  }

  /** About a task that it does not hold. */
  tellDropped(
    frameworkId: FrameworkId,
    taskId: TaskId,
    executorId: ExecutorId | undefined,
    why: { readonly reason: string; readonly message: string },
  ): void {
    this.report(frameworkId, this.#own(taskId, executorId, { ...why, state: "TASK_DROPPED" }));
  }

  /** Tells the scheduler, until it acknowledges. */
  report(frameworkId: FrameworkId, status: TaskStatus): void {
    const key = keyOf(frameworkId, status.taskId);
    let stream = this.updates.get(key);
    if (stream === undefined) {
      stream = new UpdateStream(this.options.time, frameworkId, status.taskId, (one) =>
        this.#forward(frameworkId, one),
      );
      this.updates.set(key, stream);
    }
    stream.push(status);
  }

  forwardAll(): void {
    for (const stream of this.updates.values()) stream.forward();
  }

  destroyed(task: AgentTask): void {
    const { observe, taskKey } = this.options;
    observe({ type: "run-destroyed", task: taskKey(task.executor.frameworkId, task.info.taskId) });
  }

  #own(taskId: TaskId, executorId: ExecutorId | undefined, content: OwnWord): TaskStatus {
    const { random, id: agentId } = this.options;
    const by = executorId === undefined ? {} : { executorId };
    return { ...content, ...by, taskId, agentId, source: "SOURCE_AGENT", uuid: uuidBytes(random) };
  }

  #forward(frameworkId: FrameworkId, status: TaskStatus): void {
    const { faults } = this.options;
    if (this.process !== "up" || !this.isHeard() || faults.strike("update-lost")) return;
    const latest = this.tasks.get(keyOf(frameworkId, status.taskId))?.latest ?? status.state;
    this.tell({ type: "update", frameworkId, status, latest });
    if (faults.strike("update-repeated")) this.tell({ type: "update", frameworkId, status, latest });
  }
}

export function keyOf(frameworkId: FrameworkId, id: TaskId | ExecutorId): string {
  return `${frameworkId}/${id}`;
}
