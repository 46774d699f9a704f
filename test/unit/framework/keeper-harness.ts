import { Keeper } from "../../../src/framework/keeper.ts";
import {
  type ExecutorTemplate,
  type KeeperCommand,
  type KeeperEvent,
  type KeeperTimings,
  type LossPolicy,
  makeTemplate,
  type TaskRequest,
} from "../../../src/framework/keeper-api.ts";
import type { SchedulerCall, SchedulerCallType, SchedulerEvent } from "../../../src/mesos/scheduler-api.ts";
import type {
  AgentId,
  ExecutorId,
  FrameworkId,
  Offer,
  OfferId,
  TaskId,
  TaskInfo,
  TaskStatus,
} from "../../../src/mesos/types.ts";
import { quantities } from "../../../src/placement/quantities.ts";

export const frameworkId = "framework-1" as FrameworkId;

export const executorTemplate: ExecutorTemplate = {
  hash: "e0",
  resources: quantities({ cpus: 0.1, memMb: 32 }),
  info: { type: "CUSTOM", command: { shell: true, value: "brigade executor" } },
  maxTasks: 1000,
  slots: Infinity,
};

export interface RequestParts {
  readonly cpus?: number;
  readonly alone?: boolean;
  readonly executor?: ExecutorTemplate | null;
  readonly work?: string;
}

export function request(key: string, parts: RequestParts = {}): TaskRequest {
  const { cpus = 1, alone = false, executor = executorTemplate, work = `p_t_0_${key}` } = parts;
  const template = makeTemplate({ resources: quantities({ cpus, memMb: 100 }), constraints: [], executor });
  return { key, work, alone, template, content: () => ({ name: `task ${key}` }) };
}

export function offer(id: string, agent = "a", parts: { cpus?: number; executorIds?: readonly string[] } = {}): Offer {
  const { cpus = 8, executorIds = [] } = parts;
  return {
    id: id as OfferId,
    frameworkId,
    agentId: agent as AgentId,
    hostname: `${agent}.example`,
    resources: [
      { name: "cpus", type: "SCALAR", scalar: { value: cpus } },
      { name: "mem", type: "SCALAR", scalar: { value: 10_000 } },
    ],
    executorIds: executorIds as readonly ExecutorId[],
  };
}

export function uuid(n: number): Uint8Array {
  return new Uint8Array(16).fill(n);
}

/** An update as an executor's agent forwards it. */
export function status(taskId: TaskId, state: TaskStatus["state"], parts: Partial<TaskStatus> = {}): TaskStatus {
  return { taskId, state, agentId: "a" as AgentId, source: "SOURCE_EXECUTOR", uuid: uuid(1), ...parts };
}

/** An answer of the master to RECONCILE. */
export function answer(taskId: TaskId, state: TaskStatus["state"], parts: Partial<TaskStatus> = {}): TaskStatus {
  return { taskId, state, source: "SOURCE_MASTER", reason: "REASON_RECONCILIATION", ...parts };
}

type CallOf<Type extends SchedulerCallType> = Extract<SchedulerCall, { type: Type }>;
type CommandOf<Type extends KeeperCommand["type"]> = Extract<KeeperCommand, { type: Type }>;

export interface HarnessOptions {
  readonly epoch?: number;
  readonly stored?: boolean;
  readonly overlap?: LossPolicy["overlap"];
  readonly timings?: Partial<KeeperTimings>;
}

/** A keeper with a hand-driven master and clock. It ticks when the keeper asks to be woken. */
export class Harness {
  readonly keeper: Keeper;
  nowMs = 1000;
  #wakeAtMs = Infinity;
  #commands: KeeperCommand[] = [];

  constructor(options: HarnessOptions = {}) {
    const { epoch = 1, stored = true, overlap = "allow", timings = {} } = options;
    const policy = { overlap, unreachableTimeoutMs: 60_000 } as const;
    this.keeper = new Keeper({ name: "p", frameworkId: stored ? frameworkId : undefined, epoch, policy, timings });
  }

  /** Takes one event, and the ticks that are due at once. */
  step(event: KeeperEvent): void {
    this.#perform(this.keeper.step(event, this.nowMs));
    this.advance(0);
  }

  event(event: SchedulerEvent): void {
    this.step({ type: "event", event });
  }

  update(...statuses: readonly TaskStatus[]): void {
    for (const one of statuses) this.event({ type: "UPDATE", status: one });
  }

  offers(...offers: readonly Offer[]): void {
    this.event({ type: "OFFERS", offers });
  }

  want(...keys: readonly string[]): void {
    for (const key of keys) this.#perform(this.keeper.step({ type: "want", request: request(key) }, this.nowMs));
    this.advance(0);
  }

  /** Moves time on, tick by tick. */
  advance(ms: number): void {
    const until = this.nowMs + ms;
    for (let ticks = 0; this.#wakeAtMs <= until; ticks++) {
      if (ticks > 100_000) throw new Error("the keeper wakes again and again");
      this.nowMs = Math.max(this.nowMs, this.#wakeAtMs);
      this.#wakeAtMs = Infinity;
      this.#perform(this.keeper.step({ type: "tick" }, this.nowMs));
    }
    this.nowMs = until;
  }

  /** Subscribes and lets the barrier be answered. */
  subscribe(): void {
    this.step({ type: "subscribed", frameworkId });
    this.answerBarrier();
  }

  /** The first answer says that all agents are there, the second that all their tasks were told. */
  answerBarrier(): void {
    for (let answers = 0; answers < 2; answers++) {
      const asked = this.calls("RECONCILE").flatMap(({ tasks }) => tasks);
      const question = asked.findLast(({ taskId }) => taskId.startsWith("brigade-barrier"));
      if (question === undefined) throw new Error("the barrier's question was not asked");
      this.update(answer(question.taskId, "TASK_UNKNOWN"));
    }
  }

  /** Subscribed, with these tasks launched on agent `a` and all that led there forgotten. */
  launched(...keys: readonly string[]): TaskInfo[] {
    this.subscribe();
    this.want(...keys);
    this.offers(offer("o-launch"));
    const infos = this.launches();
    this.forget();
    return infos;
  }

  calls<Type extends SchedulerCallType>(type: Type): CallOf<Type>[] {
    return this.commands("call").flatMap(({ call }) => (call.type === type ? [call as CallOf<Type>] : []));
  }

  callTypes(): SchedulerCallType[] {
    return this.commands("call").map(({ call }) => call.type);
  }

  launches(): TaskInfo[] {
    return this.calls("ACCEPT").flatMap(({ operations }) =>
      operations.flatMap((operation) => (operation.type === "LAUNCH" ? operation.taskInfos : [])),
    );
  }

  commands<Type extends KeeperCommand["type"]>(type: Type): CommandOf<Type>[] {
    return this.#commands.filter((command): command is CommandOf<Type> => command.type === type);
  }

  phases(): Record<string, string> {
    return Object.fromEntries([...this.keeper.tasks()].map(({ key, phase }) => [key, phase]));
  }

  /** Forgets the commands so far. */
  forget(): void {
    this.#commands = [];
  }

  #perform(commands: readonly KeeperCommand[]): void {
    for (const command of commands) {
      this.#commands.push(command);
      if (command.type === "wake") this.#wakeAtMs = command.atMs;
    }
  }
}
