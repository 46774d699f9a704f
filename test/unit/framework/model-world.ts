import { type Random, randomInt, seededRandom } from "../../../src/base/random.ts";
import { Keeper } from "../../../src/framework/keeper.ts";
import type { KeeperCommand, KeeperEvent } from "../../../src/framework/keeper-api.ts";
import type { SchedulerCall } from "../../../src/mesos/scheduler-api.ts";
import { isTerminal, type TaskId } from "../../../src/mesos/types.ts";
import { request } from "./keeper-harness.ts";
import { frameworkId, ModelMaster, type ModelTask } from "./model-master.ts";

/** What one life of the client knows of a run. */
interface ClientRun {
  readonly record: number;
  state: "wanted" | "started" | "ended" | "missing";
}

const RECORDS = 30;

/**
 * A keeper, its client, a model master and the wires between them, driven by one seed. The client wants each record run
 * once; what it has settled survives its restart, everything else it has to find out from the keeper.
 */
export class World {
  readonly #random: Random;
  readonly #master: ModelMaster;
  #keeper: Keeper;
  #epoch = 1;
  #nowMs = 0;
  #wakeAtMs = Infinity;
  /** Calls on their way to the master, and whether the keeper has a subscription. */
  #calls: SchedulerCall[] = [];
  #subscribed = false;
  /** The keeper goes on without having been told all that runs. */
  #impatient = false;
  readonly #settled = new Set<number>();
  #runs = new Map<string, ClientRun>();
  #ready = false;
  #lastRun = 0;
  readonly #launched = new Map<string, number>();
  /** Runs of a record that may go on although another is started: the client was told that they are lost. */
  readonly #excused = new Set<string>();
  readonly #taskOfKey = new Map<string, string>();

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#master = new ModelMaster(this.#random, 3, 5);
    this.#keeper = this.#newKeeper();
  }

  /** Faults and progress in any order, then healing: everything has to be settled and tidied up. */
  run(steps: number): void {
    for (let step = 0; step < steps; step++) this.#act();
    this.#heal();
  }

  #act(): void {
    const master = this.#master;
    const actions: (readonly [weight: number, act: () => void])[] = [
      [30, () => this.#deliverEvent()],
      [30, () => this.#deliverCall()],
      [10, () => this.#passTime(randomInt(this.#random, 300))],
      [2, () => this.#passTime(20_000)],
      [8, () => this.#clientWants()],
      [8, () => this.#clientSettles()],
      [8, () => master.startTask()],
      [8, () => master.finishTask()],
      [4, () => master.allocate()],
      [2, () => master.repeatUpdate()],
      [1, () => master.rescind()],
      [1, () => master.dropTask()],
      [1, () => master.crashExecutor()],
      [1, () => master.loseAgent()],
      [2, () => master.returnAgent()],
      [1, () => this.#breakCalls()],
      [1, () => this.#disconnect(() => master.disconnect())],
      [0.5, () => this.#disconnect(() => master.failOver())],
      [6, () => this.#subscribe()],
      [1, () => this.#restart()],
    ];
    let left = this.#random.next() * actions.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, act] of actions) {
      left -= weight;
      if (left < 0) return act();
    }
  }

  #heal(): void {
    const master = this.#master;
    for (let round = 0; round < 600 && !this.#tidy(); round++) {
      for (const agent of master.agents) if (agent.state !== "up") master.returnAgent();
      this.#subscribe();
      master.repeatAllUpdates();
      for (let i = 0; i < 10; i++) {
        while (master.outbox.length > 0 || this.#calls.length > 0) {
          this.#deliverCall();
          this.#deliverEvent();
        }
        while (this.#clientWants());
        master.startTask();
        master.finishTask();
        this.#clientSettles();
      }
      master.allocate();
      this.#passTime(5000);
    }
    if (this.#tidy()) return;
    throw new Error(
      `no progress: settled ${[...this.#settled].join()}, keeper ${JSON.stringify([...this.#keeper.tasks()])}, ` +
        `master ${JSON.stringify([...master.tasks.values()])}, offers ${master.offers.size}, suppressed ${master.suppressed}`,
    );
  }

  #tidy(): boolean {
    const { tasks, offers, suppressed } = this.#master;
    const kept = [...this.#keeper.tasks()].length;
    return this.#settled.size === RECORDS && tasks.size === 0 && kept === 0 && offers.size === 0 && suppressed;
  }

  // ------------------------------------------------------------------------------------------------------ the wires

  #subscribe(): void {
    if (this.#master.connected) return;
    this.#calls = [];
    this.#master.subscribe();
    this.#subscribed = true;
    this.#impatient = false;
    this.#step({ type: "subscribed", frameworkId });
  }

  #disconnect(breakOff: () => void): void {
    if (!this.#master.connected) return;
    this.#cutCalls();
    breakOff();
    const unknown = this.#calls;
    this.#calls = [];
    const first = this.#random.next() < 0.5;
    if (first) this.#reportUnknown(unknown);
    this.#subscribed = false;
    this.#step({ type: "disconnected", error: new Error("gone") });
    if (!first) this.#reportUnknown(unknown);
  }

  /** The connection of the calls breaks, the subscription lives on. */
  #breakCalls(): void {
    if (!this.#master.connected || this.#calls.length === 0) return;
    this.#cutCalls();
    const unknown = this.#calls;
    this.#calls = [];
    this.#reportUnknown(unknown);
  }

  /** Some of the calls still get through. */
  #cutCalls(): void {
    const through = randomInt(this.#random, this.#calls.length + 1);
    for (const call of this.#calls.slice(0, through)) this.#master.handle(call);
  }

  #reportUnknown(calls: readonly SchedulerCall[]): void {
    for (const call of calls) this.#step({ type: "call-unknown", call });
  }

  #deliverCall(): void {
    const call = this.#calls.shift();
    if (call !== undefined) this.#master.handle(call);
  }

  #deliverEvent(): void {
    const event = this.#master.outbox.shift();
    if (event !== undefined) this.#step({ type: "event", event });
  }

  #passTime(ms: number): void {
    const until = this.#nowMs + ms;
    while (this.#wakeAtMs <= until) {
      this.#nowMs = Math.max(this.#nowMs, this.#wakeAtMs);
      this.#wakeAtMs = Infinity;
      this.#step({ type: "tick" });
    }
    this.#nowMs = until;
  }

  #newKeeper(): Keeper {
    const policy = { overlap: "allow", unreachableTimeoutMs: 60_000 } as const;
    return new Keeper({ name: "p", frameworkId, epoch: this.#epoch, policy });
  }

  /** The scheduler's process dies and a new one starts. */
  #restart(): void {
    this.#cutCalls();
    this.#calls = [];
    this.#master.disconnect();
    this.#subscribed = false;
    this.#epoch++;
    this.#wakeAtMs = Infinity;
    this.#ready = false;
    this.#runs = new Map();
    this.#keeper = this.#newKeeper();
  }

  // ----------------------------------------------------------------------------------------------------- the client

  /** @returns whether there was anything to want */
  #clientWants(): boolean {
    if (!this.#ready) return false;
    const busy = new Set([...this.#runs.values()].flatMap((run) => (run.state === "missing" ? [] : [run.record])));
    for (let record = 0; record < RECORDS; record++) {
      if (this.#settled.has(record) || busy.has(record)) continue;
      const key = `run-${++this.#lastRun}`;
      this.#runs.set(key, { record, state: "wanted" });
      this.#step({ type: "want", request: request(key, { work: `p_t_0_${record}` }) });
      return true;
    }
    return false;
  }

  /** Makes a result durable, then lets go of all runs of its record. */
  #clientSettles(): void {
    for (const { record, state } of this.#runs.values()) {
      if (state !== "ended") continue;
      this.#settled.add(record);
      for (const [key, run] of [...this.#runs]) if (run.record === record) this.#letGo(key, run);
      return;
    }
  }

  #letGo(key: string, run: ClientRun): void {
    this.#runs.delete(key);
    if (run.state !== "ended") this.#step({ type: "kill", key });
    this.#step({ type: "release", key });
  }

  #step(event: KeeperEvent): void {
    for (const command of this.#keeper.step(event, this.#nowMs)) this.#perform(command);
  }

  #perform(command: KeeperCommand): void {
    switch (command.type) {
      case "call":
        this.#check(command.call);
        this.#calls.push(command.call);
        return;
      case "wake":
        this.#wakeAtMs = command.atMs;
        return;
      case "ready":
        this.#ready = true;
        return;
      case "adopted": {
        const record = recordOf(command.key);
        this.#taskOfKey.set(command.key, command.key);
        this.#runs.set(command.key, { record, state: "started" });
        // It takes the place of a run that only waits.
        for (const [key, run] of [...this.#runs]) {
          if (run.record === record && run.state === "wanted") this.#letGo(key, run);
        }
        if (this.#settled.has(record)) this.#letGo(command.key, { record, state: "ended" });
        return;
      }
      case "ended":
        return this.#ended(command.key, command.status.state === "TASK_FINISHED");
      case "lost":
        return this.#lost(command.key, command.reason === "agent-unreachable");
      case "started": {
        const run = this.#runs.get(command.key);
        if (run !== undefined) run.state = "started";
        return;
      }
      case "store-framework-id":
      case "trouble":
      // Let go by whoever had it killed.
      case "stopped":
        return;
      case "find-unreachable":
        throw new Error("overlap is allowed: nobody has to know what runs out of reach");
      case "report":
        this.#impatient ||= command.message.startsWith("launching although");
        return;
    }
  }

  #ended(key: string, succeeded: boolean): void {
    const run = this.#runs.get(key);
    if (run === undefined) return;
    run.state = succeeded ? "ended" : "missing";
    if (!succeeded) this.#letGo(key, run);
  }

  #lost(key: string, mayReturn: boolean): void {
    const run = this.#runs.get(key);
    if (run === undefined) return;
    const taskId = this.#taskOfKey.get(key);
    if (taskId !== undefined) this.#excused.add(taskId);
    run.state = "missing";
    if (!mayReturn) this.#letGo(key, run);
  }

  // --------------------------------------------------------------------------------------------------- the promises

  #check(call: SchedulerCall): void {
    if (!this.#subscribed) throw new Error(`${call.type} without a subscription`);
    if (call.type === "ACKNOWLEDGE") this.#checkAcknowledgement(call.taskId, call.uuid);
    if (call.type !== "ACCEPT") return;
    if (!this.#ready) throw new Error("a launch before the keeper was ready");
    for (const operation of call.operations) {
      for (const { taskId } of operation.type === "LAUNCH" ? operation.taskInfos : []) this.#checkLaunch(taskId);
    }
  }

  /** No id twice, and no second run of a record while another is alive, unless that one was given up for a cause. */
  #checkLaunch(taskId: TaskId): void {
    const record = recordOf(taskId);
    if (this.#launched.has(taskId)) throw new Error(`${taskId} is launched twice`);
    this.#launched.set(taskId, record);
    for (const [key, run] of this.#runs) {
      if (run.record === record && this.#isLaunching(key, taskId)) this.#taskOfKey.set(key, taskId);
    }
    for (const task of this.#master.tasks.values()) {
      if (recordOf(task.taskId) !== record || isTerminal(task.state)) continue;
      if (this.#excused.has(task.taskId) || this.#isOutOfReach(task)) continue;
      throw new Error(`${taskId} is launched while ${task.taskId} is alive`);
    }
  }

  /**
   * What nobody could know: its agent is unreachable, or came back so lately that the news is still on its way, or did
   * not return to a new master within the time that is waited for it.
   */
  #isOutOfReach({ taskId, agentId }: ModelTask): boolean {
    const { agents, outbox } = this.#master;
    const unreachable = agents.some((agent) => agent.id === agentId && agent.state === "unreachable");
    const returning = outbox.some(
      (event) =>
        event.type === "UPDATE" &&
        event.status.taskId === taskId &&
        event.status.reason === "REASON_AGENT_REREGISTERED",
    );
    return this.#impatient || unreachable || returning;
  }

  #isLaunching(key: string, taskId: TaskId): boolean {
    return [...this.#keeper.tasks()].some((task) => task.key === key && task.taskId === taskId);
  }

  /** A result is acknowledged only once its record is settled. */
  #checkAcknowledgement(taskId: TaskId, id: Uint8Array): void {
    const update = this.#master.tasks.get(taskId)?.updates.find((one) => Bun.deepEquals(one.uuid, id));
    if (update?.state !== "TASK_FINISHED") return;
    if (!this.#settled.has(recordOf(taskId)))
      throw new Error(`the result of ${taskId} is acknowledged before it is settled`);
  }
}

function recordOf(taskId: string): number {
  return Number(/_(\d+)-\d+\.\d+$/.exec(taskId)?.[1]);
}
