import { assertNever } from "../../../base/errors.ts";
import { formatUuid, type Random, uuidBytes } from "../../../base/random.ts";
import type { ExecutorCall, ExecutorEvent } from "../../../mesos/executor-api.ts";
import {
  type ContainerId,
  type ExecutorId,
  isTerminal,
  type KillPolicy,
  type TaskId,
  type TaskInfo,
  type TaskState,
  type TaskStatus,
} from "../../../mesos/types.ts";
import { type CommandEnd, printEnd } from "./signals.ts";
import { type CheckKind, type DueProbe, emptyCheckStatus, type ProbeResult, TaskChecks } from "./task-checks.ts";

/** Between SIGTERM and SIGKILL where nobody says otherwise. */
const DEFAULT_GRACE_MS = 3000;
/** What of the executor's own grace period is kept for itself. */
const OWN_GRACE_MS = 2000;

export interface BuiltInSettings {
  /** command: one task, run in the executor's own sandbox; default: groups of tasks, each in a folder of its own. */
  readonly kind: "command" | "default";
  readonly executorId: ExecutorId;
  readonly shutdownGraceMs: number;
  /** Wall clock where the clock of `nowMs` is 0. */
  readonly epochMs: number;
}

export type SessionEvent =
  | { readonly type: "event"; readonly event: ExecutorEvent }
  /** The agent will not come back. */
  | { readonly type: "gave-up" }
  /** Of a command that never ran the end is `exited` with 1, as Mesos has it. */
  | { readonly type: "ended"; readonly taskId: TaskId; readonly end: CommandEnd }
  | { readonly type: "not-prepared"; readonly taskId: TaskId; readonly message: string }
  /** It is nothing that could be run in a container. */
  | { readonly type: "refused"; readonly taskId: TaskId; readonly message: string }
  /** With what Docker says of its container, and where that is found, where it runs in one. */
  | {
      readonly type: "started";
      readonly taskId: TaskId;
      readonly data?: Uint8Array;
      readonly ipAddress?: string | undefined;
    }
  | { readonly type: "probed"; readonly taskId: TaskId; readonly kind: CheckKind; readonly result: ProbeResult }
  | { readonly type: "time" };

export type SessionCommand =
  | { readonly type: "update"; readonly status: TaskStatus }
  /** Runs its command; `started` and then `ended` follow, or `not-prepared`. */
  | { readonly type: "start"; readonly task: TaskInfo }
  /** Looks at a task that runs; `probed` follows. */
  | { readonly type: "probe"; readonly task: TaskInfo; readonly due: DueProbe }
  /** To all processes of the command. */
  | { readonly type: "signal"; readonly taskId: TaskId; readonly signal: "SIGTERM" | "SIGKILL" }
  | { readonly type: "exit"; readonly code: number };

interface Task {
  readonly info: TaskInfo;
  /** Those that were launched with it: one that does not finish takes the others with it. */
  readonly group: readonly TaskId[];
  /** Of a group. */
  readonly containerId: ContainerId | undefined;
  killed: boolean;
  /** Its health check is the reason. */
  unhealthy: boolean;
  /** From its start on. */
  checks: TaskChecks | undefined;
  /** The last update of it. */
  last: TaskStatus | undefined;
  /** When it is killed for good. */
  killAtMs: number | undefined;
  /** When it has had all the time that it may have. */
  overdueAtMs: number | undefined;
  overdue: boolean;
  ended: boolean;
  acknowledged: boolean;
}

/**
 * What Mesos' own executors decide: the one around a command task, and the one for groups of tasks. Events in, commands
 * out; no clock and no processes inside.
 */
export class BuiltInSession {
  readonly #settings: BuiltInSettings;
  readonly #random: Random;
  readonly #tasks = new Map<TaskId, Task>();
  readonly #unacknowledged: TaskStatus[] = [];
  #commands: SessionCommand[] = [];
  #nowMs = 0;
  #containerId: ContainerId | undefined;
  #tellsKilling = false;
  #leaving = false;

  constructor(settings: BuiltInSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  get wakeAtMs(): number | undefined {
    let next: number | undefined;
    for (const { ended, killAtMs, overdueAtMs, checks } of this.#tasks.values()) {
      if (ended) continue;
      for (const atMs of [killAtMs, overdueAtMs, checks?.wakeAtMs]) {
        if (atMs !== undefined && (next === undefined || atMs < next)) next = atMs;
      }
    }
    return next;
  }

  /** What the agent may not know, for each SUBSCRIBE. */
  subscribe(): Extract<ExecutorCall, { type: "SUBSCRIBE" }> {
    const tasks = [...this.#tasks.values()].filter(({ acknowledged }) => !acknowledged);
    return {
      type: "SUBSCRIBE",
      unacknowledgedTasks: tasks.map(({ info }) => info),
      unacknowledgedUpdates: [...this.#unacknowledged],
    };
  }

  step(event: SessionEvent, nowMs: number): SessionCommand[] {
    this.#nowMs = nowMs;
    switch (event.type) {
      case "event":
        this.#fromAgent(event.event);
        break;
      case "gave-up":
        for (const task of this.#live()) this.#signal(task, "SIGKILL");
        this.#exit(1);
        break;
      case "started":
        this.#started(event);
        break;
      case "probed":
        this.#probed(event);
        break;
      case "ended":
        this.#ended(event.taskId, event.end);
        break;
      case "not-prepared":
        this.#failed(event.taskId, event.message, "REASON_CONTAINER_LAUNCH_FAILED");
        break;
      case "refused":
        this.#failed(event.taskId, event.message);
        break;
      case "time":
        this.#time();
        break;
      default:
        assertNever(event);
    }
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }

  #fromAgent(event: ExecutorEvent): void {
    switch (event.type) {
      case "SUBSCRIBED":
        this.#containerId = event.containerId;
        this.#tellsKilling = (event.frameworkInfo.capabilities ?? []).some(({ type }) => type === "TASK_KILLING_STATE");
        return;
      case "LAUNCH":
        return this.#launch([event.task]);
      case "LAUNCH_GROUP":
        return this.#launch(event.tasks);
      case "KILL": {
        const task = this.#tasks.get(event.taskId);
        if (task !== undefined) this.#kill(task, graceMs(event.killPolicy) ?? graceMs(task.info.killPolicy));
        return;
      }
      case "ACKNOWLEDGED":
        return this.#acknowledged(event.taskId, event.uuid);
      case "SHUTDOWN":
        this.#leaving = true;
        for (const task of this.#live()) {
          this.#kill(task, Math.max(0, this.#settings.shutdownGraceMs - OWN_GRACE_MS));
        }
        return this.#exitIfOver();
      case "ERROR":
        for (const task of this.#live()) this.#signal(task, "SIGKILL");
        return this.#exit(1);
      case "MESSAGE":
      case "HEARTBEAT":
      case "UNKNOWN":
        return;
      default:
        assertNever(event);
    }
  }

  #launch(infos: readonly TaskInfo[]): void {
    const group = infos.map(({ taskId }) => taskId);
    for (const info of infos) {
      if (this.#tasks.has(info.taskId)) continue;
      this.#tasks.set(info.taskId, {
        info,
        group,
        containerId: this.#nestedContainerId(),
        killed: false,
        unhealthy: false,
        checks: undefined,
        last: undefined,
        killAtMs: undefined,
        overdueAtMs: undefined,
        overdue: false,
        ended: false,
        acknowledged: false,
      });
      this.#update(info.taskId, "TASK_STARTING");
    }
    // As Mesos' own, which end over it: the agent then says what became of the task.
    const lacksProgram = (info: TaskInfo): boolean => !isDocker(info) && info.command?.value === undefined;
    if (this.#settings.kind === "command" && infos.some(lacksProgram)) {
      this.#exit(1);
      return;
    }
    for (const info of infos) {
      this.#commands.push({ type: "start", task: info });
      const task = this.#tasks.get(info.taskId);
      // What it takes to start a container counts as well.
      if (task !== undefined && isDocker(info)) this.#limitTime(task);
    }
  }

  #limitTime(task: Task): void {
    const { maxCompletionTime } = task.info;
    if (maxCompletionTime !== undefined) task.overdueAtMs = this.#nowMs + maxCompletionTime.nanoseconds / 1e6;
  }

  #started({ taskId, data, ipAddress }: Extract<SessionEvent, { type: "started" }>): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined || task.ended) return;
    if (!isDocker(task.info)) this.#limitTime(task);
    this.#update(taskId, "TASK_RUNNING", {
      ...(data === undefined ? {} : { data }),
      ...(ipAddress === undefined ? {} : { containerStatus: { networkInfos: [{ ipAddresses: [{ ipAddress }] }] } }),
    });
    if (isDocker(task.info) && task.info.check !== undefined) {
      // As Mesos' own, which cannot check what is in a container, and ends over it.
      this.#exit(1);
      return;
    }
    if (task.killed) return;
    task.checks = new TaskChecks(task.info, this.#nowMs);
    this.#probe(task);
  }

  #probe(task: Task): void {
    for (const due of task.checks?.due(this.#nowMs) ?? []) this.#commands.push({ type: "probe", task: task.info, due });
  }

  #probed({ taskId, kind, result }: Extract<SessionEvent, { type: "probed" }>): void {
    const task = this.#tasks.get(taskId);
    const news = task?.checks?.probed(kind, result, this.#nowMs);
    if (task?.last === undefined || news === undefined) return;
    // Whatever else was said of it last is said again, but for what Docker said.
    const { data: _, ...said } = task.last;
    const { containerStatus: __, ...bare } = said;
    const last = isDocker(task.info) ? bare : said;
    if (news.type === "check") {
      this.#say({ ...last, reason: "REASON_TASK_CHECK_STATUS_UPDATED", checkStatus: news.checkStatus });
      return;
    }
    this.#say({ ...last, reason: "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED", healthy: news.healthy });
    if (!news.kill) return;
    task.unhealthy = true;
    this.#kill(task, graceMs(task.info.killPolicy));
  }

  /** @param given default: 3 s, in a container the executor's own. A second one counts where it ends the task sooner */
  #kill(task: Task, given?: number): void {
    if (task.ended) return;
    const grace = given ?? (isDocker(task.info) ? this.#settings.shutdownGraceMs : DEFAULT_GRACE_MS);
    const atMs = this.#nowMs + grace;
    if (task.killed) {
      task.killAtMs = Math.min(task.killAtMs ?? atMs, atMs);
      return;
    }
    task.killed = true;
    task.killAtMs = atMs;
    task.checks?.stop();
    // Mesos' own says nothing of a container that has had its time.
    const isSilent = task.overdue && isDocker(task.info);
    if (this.#tellsKilling && !isSilent) this.#update(task.info.taskId, "TASK_KILLING");
    this.#signal(task, "SIGTERM");
  }

  #ended(taskId: TaskId, end: CommandEnd): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined || task.ended) return;
    task.ended = true;
    const message = `${isDocker(task.info) ? "Container" : "Command"} ${printEnd(end)}`;
    if (task.overdue) {
      this.#update(taskId, "TASK_FAILED", { message, reason: "REASON_MAX_COMPLETION_TIME_REACHED" });
    } else if (task.killed) {
      this.#update(taskId, "TASK_KILLED", { message, ...(task.unhealthy ? { healthy: false } : {}) });
    } else {
      this.#update(taskId, end.type === "exited" && end.code === 0 ? "TASK_FINISHED" : "TASK_FAILED", { message });
    }
    if (task.killed || end.type !== "exited" || end.code !== 0) this.#killGroupOf(task);
    this.#exitIfOver();
  }

  #failed(taskId: TaskId, message: string, reason?: string): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined || task.ended) return;
    task.ended = true;
    this.#update(taskId, "TASK_FAILED", { message, ...(reason === undefined ? {} : { reason }) });
    this.#killGroupOf(task);
    this.#exitIfOver();
  }

  #killGroupOf(task: Task): void {
    for (const id of task.group) {
      const other = this.#tasks.get(id);
      if (other !== undefined) this.#kill(other, graceMs(other.info.killPolicy));
    }
  }

  #time(): void {
    for (const task of this.#live()) {
      if (task.overdueAtMs !== undefined && task.overdueAtMs <= this.#nowMs) {
        task.overdueAtMs = undefined;
        task.overdue = true;
        this.#kill(task, 0);
      }
      if (task.killAtMs !== undefined && task.killAtMs <= this.#nowMs) {
        task.killAtMs = undefined;
        this.#signal(task, "SIGKILL");
      }
      this.#probe(task);
    }
  }

  #acknowledged(taskId: TaskId, uuid: Uint8Array): void {
    const index = this.#unacknowledged.findIndex((one) => Buffer.compare(one.uuid ?? new Uint8Array(), uuid) === 0);
    if (index >= 0) this.#unacknowledged.splice(index, 1);
    const task = this.#tasks.get(taskId);
    if (task !== undefined) task.acknowledged = true;
    this.#exitIfOver();
  }

  /** Leaves when all has ended and the agent knows it; told to leave, when all has ended. */
  #exitIfOver(): void {
    if (this.#live().length > 0) return;
    if (this.#leaving || (this.#tasks.size > 0 && this.#unacknowledged.length === 0)) this.#exit(0);
  }

  #exit(code: number): void {
    this.#commands.push({ type: "exit", code });
  }

  #live(): Task[] {
    return [...this.#tasks.values()].filter(({ ended }) => !ended);
  }

  #signal({ info: { taskId } }: Task, signal: "SIGTERM" | "SIGKILL"): void {
    this.#commands.push({ type: "signal", taskId, signal });
  }

  #nestedContainerId(): ContainerId | undefined {
    if (this.#settings.kind === "command" || this.#containerId === undefined) return undefined;
    return `${this.#containerId}.${formatUuid(uuidBytes(this.#random))}` as ContainerId;
  }

  #update(
    taskId: TaskId,
    state: TaskState,
    more: Pick<TaskStatus, "message" | "reason" | "data" | "healthy" | "containerStatus"> = {},
  ): void {
    const { containerId, info } = this.#tasks.get(taskId) ?? {};
    this.#say({
      taskId,
      state,
      source: "SOURCE_EXECUTOR",
      executorId: this.#settings.executorId,
      ...more,
      ...(info?.check === undefined || isDocker(info) ? {} : { checkStatus: emptyCheckStatus(info.check) }),
      ...(containerId === undefined ? {} : { containerStatus: { containerId } }),
    });
  }

  #say(said: TaskStatus): void {
    const timestamp = (this.#settings.epochMs + this.#nowMs) / 1000;
    const status: TaskStatus = { ...said, timestamp, uuid: uuidBytes(this.#random) };
    this.#unacknowledged.push(status);
    const task = this.#tasks.get(status.taskId);
    if (task !== undefined) {
      task.last = status;
      if (isTerminal(status.state)) {
        task.ended = true;
        task.checks?.stop();
      }
    }
    this.#commands.push({ type: "update", status });
  }
}

/** Whether the command runs in a container of Docker's. */
export function isDocker({ container }: TaskInfo): boolean {
  return container?.type === "DOCKER";
}

function graceMs(policy: KillPolicy | undefined): number | undefined {
  const nanoseconds = policy?.gracePeriod?.nanoseconds;
  return nanoseconds === undefined ? undefined : nanoseconds / 1e6;
}
