import { invariant } from "../base/errors.ts";
import type { AgentId, TaskId } from "../mesos/types.ts";
import { nothing, type Quantities } from "../placement/quantities.ts";
import { makeShape, type Shape } from "../placement/shape.ts";
import type { Executor } from "./agents.ts";
import type { Alarm } from "./alarms.ts";
import type { TaskRequest } from "./keeper-api.ts";

/** Where a task stands, as far as the keeper can know. */
export type TaskPhase =
  /** In the queue, or backing off before it returns there. */
  | "waiting"
  /** ACCEPT was sent, and nothing was heard since. */
  | "launched"
  /** It is not known whether the ACCEPT was carried out: the master is asked. */
  | "uncertain"
  /** Mesos says that the launch came to nothing: the master is asked before another one takes its place. */
  | "dropped"
  /** Mesos has it. */
  | "running"
  | "unreachable"
  /** Given up, though it may come back; kept until released. */
  | "lost"
  /** Its result is with the client; its last update waits for the release. */
  | "ended"
  /** Killed before it ever ran; kept until released. */
  | "stopped";

/** How far the client has come with it. Only forward. */
export type TaskWish = "run" | "kill" | "release";

const onward: Readonly<Record<TaskPhase, readonly TaskPhase[]>> = {
  waiting: ["launched", "stopped"],
  launched: ["uncertain", "dropped", "running", "unreachable", "lost", "ended", "waiting", "stopped"],
  uncertain: ["dropped", "running", "unreachable", "lost", "ended", "waiting", "stopped"],
  dropped: ["running", "lost", "ended", "waiting", "stopped"],
  running: ["dropped", "unreachable", "lost", "ended"],
  unreachable: ["dropped", "running", "lost", "ended"],
  lost: ["running", "unreachable", "ended"],
  ended: [],
  stopped: [],
};

const livePhases: ReadonlySet<TaskPhase> = new Set(["launched", "uncertain", "dropped", "running", "unreachable"]);

/** An update that is acknowledged with the task's release. */
export interface OwedAcknowledgement {
  readonly agentId: AgentId;
  readonly taskId: TaskId;
  readonly uuid: Uint8Array;
}

/** What the keeper has set an alarm for. */
export type KeeperAlarm =
  | { readonly type: "round" | "revive" | "barrier" | "adopt-timeout" | "periodic" }
  | { readonly type: "shape"; readonly shapeId: string }
  | { readonly type: "reconcile" | "kill" | "phase" | "watch"; readonly task: KeptTask };

/** One wanted or adopted task, through all its launches. */
export class KeptTask {
  readonly key: string;
  /** undefined: adopted from an earlier life. */
  readonly request: TaskRequest | undefined;
  readonly shape: Shape | undefined;
  /** Its place in the queue. */
  readonly order: number;
  wish: TaskWish = "run";
  taskId: TaskId | undefined;
  agentId: AgentId | undefined;
  executor: Executor | undefined;
  /** What it holds on its agent. */
  charged: Quantities = nothing;
  /** Launches that came to nothing since one was heard of. */
  failures = 0;
  startedTold = false;
  /** In `lost`: nobody knows for certain that it does not run any more. */
  mayReturn = false;
  /** Its framework is gone, so that nobody can be asked about it. */
  orphaned = false;
  /** Whether the executor itself has spoken about it: then it has started. */
  heardFromExecutor = false;
  /** Number of the subscription in which it was last heard of. */
  heardIn = 0;
  owed: OwedAcknowledgement[] = [];
  reconcile: { alarm: Alarm<KeeperAlarm> | undefined; tries: number } = { alarm: undefined, tries: 0 };
  killing: { alarm: Alarm<KeeperAlarm> | undefined; tries: number } = { alarm: undefined, tries: 0 };
  /** In `lost`, while it may return: when it is asked about next. */
  watch: { alarm: Alarm<KeeperAlarm> | undefined; tries: number } = { alarm: undefined, tries: 0 };
  /** Ends the present phase: back-off of `waiting`, time-out of `unreachable`. */
  phaseAlarm: Alarm<KeeperAlarm> | undefined;
  #phase: TaskPhase;
  #sinceMs: number;

  constructor(parts: { key: string; request?: TaskRequest; order: number; phase: TaskPhase; nowMs: number }) {
    const { key, request, order, phase, nowMs } = parts;
    this.key = key;
    this.request = request;
    this.shape = request === undefined ? undefined : shapeOf(request);
    this.order = order;
    this.#phase = phase;
    this.#sinceMs = nowMs;
  }

  get phase(): TaskPhase {
    return this.#phase;
  }

  /** When the present phase began. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Whether it may be running now, or be about to. */
  get live(): boolean {
    return livePhases.has(this.#phase);
  }

  enter(phase: TaskPhase, nowMs: number): void {
    if (phase === this.#phase) return;
    invariant(onward[this.#phase].includes(phase), `Task ${this.key} cannot go from ${this.#phase} to ${phase}`);
    this.#phase = phase;
    this.#sinceMs = nowMs;
  }
}

/** A task that runs alone shares its executor with no other, so that its shape is its own. */
function shapeOf({ template, alone, key }: TaskRequest): Shape {
  const { shape } = template;
  if (!alone || shape.executor === null) return shape;
  return makeShape({ ...shape, executor: { ...shape.executor, key: `${shape.executor.key}/${key}` } });
}

/** All tasks, by the client's key and by the id of the present launch. */
export class TaskTable {
  readonly #byKey = new Map<string, KeptTask>();
  readonly #byTaskId = new Map<TaskId, KeptTask>();

  get(key: string): KeptTask | undefined {
    return this.#byKey.get(key);
  }

  withTaskId(taskId: TaskId): KeptTask | undefined {
    return this.#byTaskId.get(taskId);
  }

  values(): Iterable<KeptTask> {
    return this.#byKey.values();
  }

  add(task: KeptTask): void {
    invariant(!this.#byKey.has(task.key), `Task ${task.key} is wanted twice`);
    this.#byKey.set(task.key, task);
  }

  /** Gives it the id of a new launch, or none. Updates for the former id then belong to no task. */
  assignTaskId(task: KeptTask, taskId: TaskId | undefined): void {
    if (task.taskId !== undefined) this.#byTaskId.delete(task.taskId);
    task.taskId = taskId;
    if (taskId !== undefined) this.#byTaskId.set(taskId, task);
  }

  remove(task: KeptTask): void {
    this.assignTaskId(task, undefined);
    this.#byKey.delete(task.key);
  }
}
