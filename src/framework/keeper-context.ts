import type { LogLevel } from "../base/log.ts";
import type { SchedulerCall } from "../mesos/scheduler-api.ts";
import { Agents } from "./agents.ts";
import { Alarms } from "./alarms.ts";
import { Backlog } from "./backlog.ts";
import {
  defaultTimings,
  type KeeperCommand,
  type KeeperOptions,
  type KeeperTimings,
  type LossPolicy,
  type ReportFields,
} from "./keeper-api.ts";
import { OfferCycle } from "./offer-cycle.ts";
import { Offers } from "./offers.ts";
import { type KeeperAlarm, type KeptTask, type TaskPhase, TaskTable } from "./task-table.ts";

/** The state that the parts of the keeper share, and the way out for their commands. */
export class KeeperContext {
  readonly options: KeeperOptions;
  readonly timings: KeeperTimings;
  readonly alarms = new Alarms<KeeperAlarm>();
  readonly tasks = new TaskTable();
  readonly offers = new Offers();
  readonly agents: Agents;
  readonly backlog: Backlog;
  readonly cycle: OfferCycle;
  policy: LossPolicy;
  /** Time of the present step. */
  nowMs = 0;
  /** Counts subscriptions; with `connected` it tells whether calls can be sent. */
  subscription = 0;
  connected = false;
  /** Tasks that hold resources. */
  placed = 0;
  /** The last launch of this epoch. */
  lastLaunch = 0;
  #commands: KeeperCommand[] = [];

  constructor(options: KeeperOptions) {
    this.options = options;
    this.policy = options.policy;
    this.timings = { ...defaultTimings, ...options.timings };
    this.agents = new Agents({ name: options.name, epoch: options.epoch, pause: this.timings.agentPause });
    this.backlog = new Backlog(this.timings.refusedRetry);
    this.cycle = new OfferCycle(this.timings);
  }

  /** Takes a task to another phase and keeps the books of what is held where. */
  move(task: KeptTask, phase: TaskPhase): void {
    const wasLive = task.live;
    task.enter(phase, this.nowMs);
    if (task.live === wasLive) return;
    const { agentId, executor, charged } = task;
    if (task.live) {
      this.placed++;
      if (agentId !== undefined) this.agents.taskCame(agentId, executor, charged, this.nowMs);
    } else {
      this.placed--;
      if (agentId !== undefined) this.agents.taskLeft(agentId, executor, charged);
      this.cycle.freed();
    }
  }

  emit(command: KeeperCommand): void {
    this.#commands.push(command);
  }

  /**
   * Sends a call where there is a subscription. Without one nothing is lost: tasks are reconciled and killed again
   * after the next, and agents repeat what is not acknowledged.
   */
  call(call: SchedulerCall): void {
    if (this.connected) this.#commands.push({ type: "call", call });
  }

  report(level: LogLevel, message: string, fields: ReportFields): void {
    this.#commands.push({ type: "report", level, message, fields });
  }

  takeCommands(): KeeperCommand[] {
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }
}
