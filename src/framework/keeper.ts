import { assertNever } from "../base/errors.ts";
import type { SchedulerCall, SchedulerEvent } from "../mesos/scheduler-api.ts";
import type { FrameworkId } from "../mesos/types.ts";
import type { Alarm } from "./alarms.ts";
import type { WaitingView } from "./backlog.ts";
import { Barrier } from "./barrier.ts";
import type { KeeperCommand, KeeperEvent, KeeperOptions, LossPolicy, MasterEvent } from "./keeper-api.ts";
import { KeeperContext } from "./keeper-context.ts";
import { Launcher } from "./launcher.ts";
import { TaskLives } from "./task-lives.ts";
import type { KeeperAlarm, KeptTask, TaskPhase } from "./task-table.ts";

/** One task, for people. */
export interface KeptTaskView {
  readonly key: string;
  /** Of the present launch. */
  readonly taskId: string | undefined;
  readonly work: string | undefined;
  readonly phase: TaskPhase;
  readonly agentId: string | undefined;
  readonly hostname: string | undefined;
  /** Its framework is gone, so that nobody can be asked about it. */
  readonly orphaned: boolean;
  /** When the phase began, in the keeper's time. */
  readonly sinceMs: number;
}

/**
 * Keeps the tasks of one framework: wanted tasks and what the master says go in, calls to the master and news for the
 * client come out. Pure: no I/O, clock or chance; time is a number (monotonic milliseconds) given with each event.
 *
 * Its promises:
 * - no task id is ever used twice, and none is launched anew before it is certain that its last launch runs nowhere;
 * - after each subscription nothing is launched until the master has told what runs (see barrier.ts);
 * - a terminal update is acknowledged only after the client's `release`;
 * - without work it holds no offers.
 *
 * Each event costs amortised O(log n); all tasks are walked only after a subscription and once in 15 minutes.
 */
export class Keeper {
  readonly #context: KeeperContext;
  readonly #lives: TaskLives;
  readonly #launcher: Launcher;
  readonly #barrier: Barrier;
  #frameworkId: FrameworkId | undefined;
  #storedId: FrameworkId | undefined;
  #readyTold = false;
  /** Whether it is known, or need not be, what may run on agents that the master does not reach. */
  #unreachable: "asked" | "to-ask" | "known";
  /** Alarms that belong to the subscription. */
  #barrierAlarm: Alarm<KeeperAlarm> | undefined;
  #adoptAlarm: Alarm<KeeperAlarm> | undefined;
  #periodicAlarm: Alarm<KeeperAlarm> | undefined;
  /** The wake that was last asked for and has not come. */
  #wakeAtMs = Infinity;

  constructor(options: KeeperOptions) {
    this.#context = new KeeperContext(options);
    this.#lives = new TaskLives(this.#context);
    this.#launcher = new Launcher(this.#context);
    this.#barrier = new Barrier(options.epoch);
    this.#frameworkId = options.frameworkId;
    this.#storedId = options.frameworkId;
    // A framework that is new has no tasks.
    this.#unreachable = options.policy.overlap === "forbid" && options.frameworkId !== undefined ? "to-ask" : "known";
  }

  /** @throws {InvariantError} on what cannot be; the keeper must not be used any more then */
  step(event: KeeperEvent, nowMs: number): KeeperCommand[] {
    this.#context.nowMs = nowMs;
    this.#handle(event);
    this.#launcher.plan(this.#mayLaunch);
    this.#wake();
    return this.#context.takeCommands();
  }

  get frameworkId(): FrameworkId | undefined {
    return this.#frameworkId;
  }

  *tasks(): Iterable<KeptTaskView> {
    for (const { key, taskId, request, phase, agentId, orphaned, sinceMs } of this.#context.tasks.values()) {
      const hostname = this.#context.agents.hostname(agentId);
      yield { key, taskId, work: request?.work, phase, agentId, hostname, orphaned, sinceMs };
    }
  }

  /** Where the task is or was; its name, or what Mesos calls it where no offer has told that yet. */
  hostOf(key: string): string | undefined {
    const agentId = this.#context.tasks.get(key)?.agentId;
    return this.#context.agents.hostname(agentId) ?? agentId;
  }

  /** Why what waits does. */
  waiting(nowMs: number): readonly WaitingView[] {
    const views = this.#context.backlog.view(nowMs);
    const all = [...this.#context.tasks.values()].filter(({ phase }) => phase === "waiting").length;
    const obstacle = this.#launchObstacle;
    if (obstacle !== undefined) return all === 0 ? [] : [{ count: all, reason: obstacle }];
    const resting = all - views.reduce((sum, { count }) => sum + count, 0);
    if (resting === 0) return views;
    return [...views, { count: resting, reason: "the last launch came to nothing, another one follows" }];
  }

  get #mayLaunch(): boolean {
    return this.#launchObstacle === undefined;
  }

  get #launchObstacle(): string | undefined {
    if (!this.#context.connected) return "not subscribed to a Mesos master";
    if (this.#storedId !== this.#frameworkId) return "the framework id is being stored";
    if (!this.#barrier.open) return "the master has not told yet what still runs from before";
    if (this.#unreachable === "known") return undefined;
    return "the master has not told yet what may run on agents that it does not reach";
  }

  #handle(event: KeeperEvent): void {
    switch (event.type) {
      case "subscribed":
        return this.#subscribed(event.frameworkId);
      case "event":
        return this.#happened(event.event);
      case "disconnected":
        return this.#disconnected();
      case "call-unknown":
        return this.#callUnknown(event.call);
      case "call-rejected":
        return this.#callRejected(event.call, event.error);
      case "ended":
        return this.#ended(event.reason, event.message);
      case "framework-id-stored":
        this.#storedId = event.frameworkId;
        return;
      case "want":
        return this.#lives.want(event.request);
      case "kill":
        return this.#lives.kill(event.key);
      case "release":
        return this.#lives.release(event.key);
      case "policy":
        return this.#policyChanged(event.policy);
      case "unreachable-found":
        this.#unreachable = "known";
        this.#lives.unreachableFound(event.tasks);
        return this.#tellReady();
      case "tick":
        return this.#tick();
      default:
        return assertNever(event);
    }
  }

  // -------------------------------------------------------------------------------------------------- subscriptions

  #subscribed(frameworkId: FrameworkId): void {
    const context = this.#context;
    this.#disconnected();
    if (this.#frameworkId !== undefined && this.#frameworkId !== frameworkId)
      this.#removed("the framework has a new id");
    this.#frameworkId = frameworkId;
    if (this.#storedId !== frameworkId) context.emit({ type: "store-framework-id", frameworkId });
    context.connected = true;
    context.subscription++;
    context.cycle.subscribed();
    this.#adoptAlarm = context.alarms.set(context.nowMs + context.timings.adoptTimeoutMs, { type: "adopt-timeout" });
    this.#askBarrier();
    this.#findUnreachable();
    this.#planPeriodic();
  }

  /** Offers die with the subscription, without a RESCIND. */
  #disconnected(): void {
    const { alarms, offers } = this.#context;
    this.#context.connected = false;
    offers.clear();
    this.#barrier.close();
    for (const alarm of [this.#barrierAlarm, this.#adoptAlarm, this.#periodicAlarm]) alarms.cancel(alarm);
  }

  #askBarrier(): void {
    const { alarms, timings, nowMs } = this.#context;
    alarms.cancel(this.#barrierAlarm);
    for (const call of this.#barrier.ask()) this.#context.call(call);
    this.#barrierAlarm = alarms.set(nowMs + timings.barrierRepeatMs, { type: "barrier" });
  }

  #barrierAnswered(meaning: ReturnType<Barrier["answered"]>): void {
    if (meaning === "ask-again") this.#askBarrier();
    if (meaning !== "all-told") return;
    this.#context.alarms.cancel(this.#barrierAlarm);
    this.#barrierPassed();
  }

  #barrierPassed(): void {
    this.#context.alarms.cancel(this.#adoptAlarm);
    this.#lives.askAll({ onlySilent: true });
    this.#tellReady();
  }

  #tellReady(): void {
    if (this.#readyTold || !this.#barrier.open || this.#unreachable !== "known") return;
    this.#readyTold = true;
    this.#context.emit({ type: "ready" });
  }

  #policyChanged(policy: LossPolicy): void {
    const { overlap } = this.#context.policy;
    this.#context.policy = policy;
    if (policy.overlap === overlap) return;
    this.#unreachable = policy.overlap === "forbid" ? "to-ask" : "known";
    if (this.#context.connected) this.#findUnreachable();
    this.#lives.watchAll();
    this.#tellReady();
  }

  /** Of tasks on unreachable agents no reconciliation tells that does not name them. */
  #findUnreachable(): void {
    if (this.#unreachable !== "to-ask") return;
    this.#unreachable = "asked";
    this.#context.emit({ type: "find-unreachable" });
  }

  #planPeriodic(): void {
    const { alarms, timings, nowMs } = this.#context;
    this.#periodicAlarm = alarms.set(nowMs + timings.periodicReconcileMs, { type: "periodic" });
  }

  #ended(reason: Extract<MasterEvent, { type: "ended" }>["reason"], message: string): void {
    this.#disconnected();
    if (reason === "removed" || reason === "torn-down") this.#removed(message);
  }

  #removed(message: string): void {
    this.#lives.frameworkRemoved(message);
    this.#context.agents.clear();
    this.#frameworkId = undefined;
    this.#storedId = undefined;
    this.#context.emit({ type: "store-framework-id", frameworkId: undefined });
  }

  // --------------------------------------------------------------------------------------------------------- events

  #happened(event: SchedulerEvent): void {
    const { offers, agents, backlog, cycle } = this.#context;
    switch (event.type) {
      case "OFFERS":
        return this.#launcher.offered(event.offers);
      case "RESCIND":
        return offers.remove(event.offerId);
      case "UPDATE":
        if (!this.#barrier.isQuestion(event.status.taskId)) return this.#lives.updated(event.status);
        return this.#barrierAnswered(this.#barrier.answered(event.status.taskId));
      case "FAILURE":
        if (event.agentId === undefined) return;
        cycle.freed();
        if (event.executorId !== undefined) {
          agents.retire(event.agentId, event.executorId);
          return;
        }
        agents.removed(event.agentId);
        offers.removeAgent(event.agentId);
        backlog.forgetAgent(event.agentId);
        return;
      case "SUBSCRIBED": // the connection's own event says so
      case "ERROR": // likewise
      case "HEARTBEAT":
      case "MESSAGE": // our executors send none
      case "INVERSE_OFFERS": // whoever ignores them is asked again, and in the end its tasks are killed
      case "RESCIND_INVERSE_OFFER":
      case "UPDATE_OPERATION_STATUS": // we ask for none
      case "UNKNOWN":
        return;
      default:
        return assertNever(event);
    }
  }

  /** All calls but ACCEPT may be carried out twice. */
  #callUnknown(call: SchedulerCall): void {
    switch (call.type) {
      case "ACCEPT":
        return this.#lives.acceptUnknown(call);
      case "ACKNOWLEDGE":
      case "DECLINE":
        return this.#context.call(call);
      case "SUPPRESS":
        return this.#context.cycle.suppressLost();
      case "REVIVE":
        return this.#context.cycle.newWork();
      case "KILL": // repeated until the task has ended
      case "RECONCILE": // asked again until there is an answer
      case "SUBSCRIBE": // the connection's own
      case "TEARDOWN":
      case "SHUTDOWN":
      case "MESSAGE":
      case "UPDATE_FRAMEWORK": // nor do we make any of these
      case "ACCEPT_INVERSE_OFFERS":
      case "DECLINE_INVERSE_OFFERS":
      case "ACKNOWLEDGE_OPERATION_STATUS":
      case "RECONCILE_OPERATIONS":
      case "REQUEST":
        return;
      default:
        return assertNever(call);
    }
  }

  #callRejected(call: SchedulerCall, error: Error): void {
    this.#context.report("error", "the master rejected a call", { call: call.type, reason: error.message });
    if (call.type === "ACCEPT") this.#lives.acceptRejected(call, error.message);
  }

  // ----------------------------------------------------------------------------------------------------------- time

  #tick(): void {
    this.#wakeAtMs = Infinity;
    const { alarms, nowMs } = this.#context;
    const toAsk: KeptTask[] = [];
    const watched: KeptTask[] = [];
    for (let alarm = alarms.takeDue(nowMs); alarm !== undefined; alarm = alarms.takeDue(nowMs)) {
      if (alarm.type === "reconcile") toAsk.push(alarm.task);
      else if (alarm.type === "watch") watched.push(alarm.task);
      else this.#ring(alarm);
    }
    this.#lives.ask(toAsk);
    this.#lives.askWatched(watched);
  }

  #ring(alarm: KeeperAlarm): void {
    switch (alarm.type) {
      case "round":
        if (this.#mayLaunch) this.#launcher.round();
        return;
      case "revive":
        return; // decided after each event
      case "barrier":
        return this.#askBarrier();
      case "adopt-timeout":
        if (this.#context.policy.overlap === "forbid") {
          this.#context.report(
            "warn",
            "waiting on for the master to tell all that runs, since overlap is forbidden",
            {},
          );
          return;
        }
        this.#context.report("warn", "launching although the master has not told all that runs", {});
        // The question goes on: agents may still return with tasks.
        this.#barrier.force();
        return this.#barrierPassed();
      case "periodic":
        this.#lives.askAll({ onlySilent: false });
        this.#context.call({ type: "RECONCILE", tasks: [] });
        this.#context.agents.forgetUnseen(this.#context.nowMs);
        return this.#planPeriodic();
      case "shape":
        if (this.#context.backlog.resume(alarm.shapeId)) this.#context.cycle.newWork();
        return;
      case "reconcile":
        return this.#lives.ask([alarm.task]);
      case "watch":
        return this.#lives.askWatched([alarm.task]);
      case "kill":
        return this.#lives.killAgain(alarm.task);
      case "phase":
        return this.#lives.phaseOver(alarm.task);
      default:
        return assertNever(alarm);
    }
  }

  #wake(): void {
    const atMs = this.#context.alarms.next();
    if (atMs === undefined || atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    this.#context.emit({ type: "wake", atMs });
  }
}
