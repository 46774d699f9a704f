import { backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { assertNever, describeError, invariant } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import type { Run, RunId, Runner, RunnerEvent } from "../engine/ports.ts";
import type { FrameworkId } from "../mesos/types.ts";
import type { WaitingView } from "./backlog.ts";
import { FailedOverError } from "./errors.ts";
import { frameworkInfo } from "./framework-info.ts";
import { Keeper } from "./keeper.ts";
import type {
  KeeperCommand,
  KeeperEvent,
  KeeperTimings,
  LossPolicy,
  MasterEvent,
  UnreachableTask,
} from "./keeper-api.ts";
import type { ConnectToMaster, MasterConnection } from "./master-connection.ts";
import { neverRan, runEnd } from "./run-end.ts";
import { type RunTemplate, requestOf, runTemplate } from "./run-template.ts";
import { CountedTraffic, type RunnerCounters } from "./runner-counters.ts";
import { parseRecordWork, parseTaskId, workHead } from "./task-id.ts";
import type { TaskPhase } from "./task-table.ts";
import { TroubledHosts } from "./troubled-hosts.ts";

export interface FineRunnerOptions {
  readonly processor: Pick<ProcessorSpec, "name" | "input"> & LossPolicy;
  readonly deployment: string;
  /** The stored framework id, if there is one, and the epoch, raised and stored for this life. */
  readonly identity: { readonly frameworkId: FrameworkId | undefined; readonly epoch: number };
  /** Stores the id durably; undefined: the stored one is dead. Nothing is launched before it has resolved. */
  readonly saveFrameworkId: (id: FrameworkId | undefined) => Promise<void>;
  /** Shell command that starts `brigade executor` on an agent. */
  readonly executorCommand: string;
  /** Environment of every executor; that of a processor's `executor.env` wins. */
  readonly executorEnv: readonly (readonly [name: string, value: string])[];
  readonly role: string;
  readonly user: string;
  readonly principal: string | null;
  readonly failoverTimeoutMs: number;
  readonly webuiUrl?: string;
  /** Tasks of the framework that the master believes to be on unreachable agents; asked where overlap is forbidden. */
  readonly unreachableTasks: (framework: FrameworkId, signal: AbortSignal) => Promise<readonly UnreachableTask[]>;
  readonly connect: ConnectToMaster;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The runner cannot go on: another scheduler took its framework over, or an invariant is broken. */
  readonly onFatal: (error: unknown) => void;
  readonly timings?: Partial<KeeperTimings>;
}

/** A run that is placed and not released yet, for people. */
export interface TaskView {
  readonly run: RunId;
  readonly id: string;
  readonly state: Exclude<TaskPhase, "waiting" | "stopped">;
  readonly agent: string | null;
  /** Host name of the agent; null where no offer has told it yet. */
  readonly host: string | null;
  readonly partition: number;
  readonly offset: number;
  /** null: adopted from an earlier life. */
  readonly attempt: number | null;
  /** Its framework is gone: nobody tells any more when it has ended. */
  readonly orphaned: boolean;
  /** When the state began, ms since 1970. */
  readonly sinceMs: number;
}

export interface RunnerStatus {
  readonly connected: boolean;
  readonly frameworkId: FrameworkId | undefined;
  /** What keeps the runner from its work, for people. */
  readonly trouble: string | undefined;
  /** Why some hosts, or all, cannot run programs, or not as they were told to, for people. */
  readonly hostTrouble: string | undefined;
}

const STORE_RETRY = { initialMs: 200, maxMs: 10_000 };
const LOOK_UP_RETRY = { initialMs: 1000, maxMs: 30_000 };
const SUBSCRIBE_AGAIN = { initialMs: 1000, maxMs: 60_000 };
/** How long a master is waited for that is to take the framework down. */
const SUBSCRIBE_DEADLINE_MS = 15_000;
/** How long a TEARDOWN may take before the connection is closed all the same. */
const TEARDOWN_DEADLINE_MS = 5000;

/**
 * Runs each record as a Mesos task of its own: the shell around the {@link Keeper}. It turns runs into tasks, statuses
 * into results and the keeper's commands into effects; no decision about tasks lives here.
 */
export class FineRunner implements Runner {
  readonly #options: FineRunnerOptions;
  readonly #keeper: Keeper;
  readonly #counted = new CountedTraffic();
  readonly #deadHosts = new TroubledHosts("no program can run on");
  readonly #oddHosts = new TroubledHosts("on");
  readonly #runs = new Map<string, Run>();
  readonly #templates = new WeakMap<ProcessorSpec, RunTemplate>();
  readonly #stopped = new AbortController();
  readonly #queue: KeeperEvent[] = [];
  #busy = false;
  #life: "open" | "tearing-down" | "failed" | "closed" = "open";
  /** Writes of the framework id, one after the other. */
  #storing: Promise<void> = Promise.resolve();
  #onEvent: ((event: RunnerEvent) => void) | undefined;
  #connection: MasterConnection | undefined;
  #connected = false;
  #refusals = 0;
  #connectionTrouble: string | undefined = "not subscribed to a Mesos master yet";
  #taskTrouble: string | undefined;
  #lookUpTrouble: string | undefined;
  #cancelWake: (() => void) | undefined;
  #onConnected: (() => void) | undefined;
  #onDisconnected: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: FineRunnerOptions) {
    this.#options = options;
    const { processor, identity, timings } = options;
    const more = timings === undefined ? {} : { timings };
    this.#keeper = new Keeper({ name: processor.name, ...identity, policy: processor, ...more });
  }

  /** Resolves at once; `ready` tells when the master has said what runs. */
  async start(onEvent: (event: RunnerEvent) => void): Promise<void> {
    invariant(this.#onEvent === undefined, "Cannot start a runner twice");
    this.#onEvent = onEvent;
    this.#connect();
  }

  run(run: Run): void {
    this.#runs.set(run.id, run);
    this.#step({ type: "want", request: requestOf(run, this.#templateOf(run.spec)) });
  }

  cancel(runId: RunId): void {
    this.#step({ type: "kill", key: runId });
  }

  release(runId: RunId): void {
    this.#step({ type: "release", key: runId });
    this.#runs.delete(runId);
  }

  /** The specification has changed. */
  update({ overlap, unreachableTimeoutMs }: LossPolicy): void {
    this.#step({ type: "policy", policy: { overlap, unreachableTimeoutMs } });
  }

  /** Kills all that runs, and stays: each end comes as an event. */
  killAll(): void {
    for (const { key } of [...this.#keeper.tasks()]) this.#step({ type: "kill", key });
  }

  /**
   * Without `kill` tasks run on, and the next life adopts them. With it the framework is torn down, if a master is there
   * or comes back soon. Idempotent: the first call counts.
   */
  close({ kill }: { readonly kill: boolean }): Promise<void> {
    this.#closing ??= this.#close(kill);
    return this.#closing;
  }

  async #close(kill: boolean): Promise<void> {
    if (kill && this.#life === "open") await this.#tearDown();
    this.#stop("closed", new Error("the runner is closed"));
    await this.#connection?.close();
    this.#connected = false;
    await this.#storing; // nothing is written after this
  }

  tasks(): readonly TaskView[] {
    const { clock } = this.#options;
    const wallOffsetMs = clock.wallMs() - clock.monotonicMs();
    const views: TaskView[] = [];
    for (const { key, taskId, phase, agentId, hostname, orphaned, sinceMs } of this.#keeper.tasks()) {
      const place = recordPlace(taskId);
      if (taskId === undefined || place === undefined || phase === "waiting" || phase === "stopped") continue;
      views.push({
        run: key as RunId,
        id: taskId,
        state: phase,
        agent: agentId ?? null,
        host: hostname ?? null,
        partition: place.partition,
        offset: place.offset,
        attempt: this.#runs.get(key)?.attempt ?? null,
        orphaned,
        sinceMs: Math.round(sinceMs + wallOffsetMs),
      });
    }
    return views;
  }

  waiting(): readonly WaitingView[] {
    return this.#keeper.waiting(this.#options.clock.monotonicMs());
  }

  status(): RunnerStatus {
    const nowMs = this.#options.clock.monotonicMs();
    return {
      connected: this.#connected,
      frameworkId: this.#keeper.frameworkId,
      trouble: this.#connectionTrouble ?? this.#lookUpTrouble ?? this.#taskTrouble,
      hostTrouble: this.#deadHosts.describe(nowMs) ?? this.#oddHosts.describe(nowMs),
    };
  }

  counters(): RunnerCounters {
    return this.#counted.view();
  }

  // ------------------------------------------------------------------------------------------------------ the loop

  /** Events are taken one after the other: one that arrives while commands are performed waits for its turn. */
  #step(event: KeeperEvent): void {
    this.#queue.push(event);
    if (this.#busy || this.#stopped.signal.aborted) return;
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        this.#counted.event(next);
        for (const command of this.#keeper.step(next, this.#options.clock.monotonicMs())) this.#perform(command);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#busy = false;
    }
  }

  #perform(command: KeeperCommand): void {
    this.#counted.command(command);
    switch (command.type) {
      case "call":
        return this.#connection?.call(command.call);
      case "store-framework-id":
        this.#storing = this.#storing.then(() => this.#store(command.frameworkId));
        return;
      case "find-unreachable":
        void this.#findUnreachable();
        return;
      case "wake":
        return this.#wakeAt(command.atMs);
      case "report":
        return this.#options.log[command.level](command.message, command.fields);
      case "trouble":
        this.#taskTrouble = command.message === null ? undefined : `Mesos refuses the task: ${command.message}`;
        return;
      case "ready":
        return this.#emit({ type: "ready" });
      case "started":
        return this.#emit({ type: "started", runId: command.key as RunId, place: command.host });
      case "adopted":
        return this.#adopted(command.key, command.work);
      case "ended":
        return this.#ended(command);
      case "stopped": {
        const specVersion = this.#runs.get(command.key)?.spec.version ?? "";
        return this.#emit({ type: "ended", runId: command.key as RunId, result: neverRan(specVersion) });
      }
      case "lost": {
        const { key, reason, message, dead } = command;
        return this.#emit({ type: "lost", runId: key as RunId, reason, message, dead });
      }
      default:
        return assertNever(command);
    }
  }

  #emit(event: RunnerEvent): void {
    this.#onEvent?.(event);
  }

  /** A task of another topic than ours is left over from a processor that was changed: nobody waits for its result. */
  #adopted(key: string, work: string): void {
    const { processor, log } = this.#options;
    const place = parseRecordWork(work);
    if (place?.head === workHead(processor.name, processor.input)) {
      const { partition, offset } = place;
      return this.#emit({ type: "adopted", runId: key as RunId, partition, offset });
    }
    log.warn("killing a task that belongs to no record of this processor", { taskId: key });
    this.#step({ type: "release", key });
  }

  #ended({ key, status }: Extract<KeeperCommand, { type: "ended" }>): void {
    const runId = key as RunId;
    const end = runEnd(status, this.#runs.get(key)?.spec.version ?? "");
    const host = this.#keeper.hostOf(key) ?? "an agent";
    if (end.type === "ended") {
      const ran = status.source === "SOURCE_EXECUTOR" && end.result.outcome.type !== "killed";
      if (ran) this.#worked(host, end.result.notice);
      return this.#emit({ type: "ended", runId, result: end.result });
    }
    if (end.type === "lost") {
      this.#deadHosts.failed(host, end.message, this.#options.clock.monotonicMs());
      return this.#emit({ type: "lost", runId, reason: "daemon-lost", message: end.message, dead: true });
    }
    this.#options.log.error("cannot read a run's result", { taskId: status.taskId, reason: end.message });
    this.#emit({ type: "lost", runId, reason: "executor-lost", message: end.message, dead: true });
  }

  /** @param notice in what other way than it was told to */
  #worked(host: string, notice: string | undefined): void {
    this.#deadHosts.worked(host);
    if (notice === undefined) this.#oddHosts.worked(host);
    else this.#oddHosts.failed(host, notice, this.#options.clock.monotonicMs());
  }

  #wakeAt(atMs: number): void {
    this.#cancelWake?.();
    const { clock } = this.#options;
    this.#cancelWake = clock.schedule(Math.max(0, atMs - clock.monotonicMs()), () => this.#step({ type: "tick" }));
  }

  /** Nothing is launched before the id is stored, so that this goes on until it is. */
  async #store(id: FrameworkId | undefined): Promise<void> {
    const { saveFrameworkId, clock, random, log } = this.#options;
    const { signal } = this.#stopped;
    for (let attempt = 1; !signal.aborted; attempt++) {
      // A newer id has taken its place meanwhile.
      if (id !== this.#keeper.frameworkId) return;
      try {
        await saveFrameworkId(id);
        if (id !== undefined) this.#step({ type: "framework-id-stored", frameworkId: id });
        return;
      } catch (error) {
        log.error("cannot store the framework id", { reason: describeError(error) });
        const stopped = (): void => undefined; // the loop ends with the signal
        await clock.sleep(backoffMs(STORE_RETRY, attempt, random), { signal }).catch(stopped);
      }
    }
  }

  /** Nothing is launched before the answer, so that this goes on until there is one. */
  async #findUnreachable(): Promise<void> {
    const { unreachableTasks, clock, random, log } = this.#options;
    const { signal } = this.#stopped;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const framework = this.#keeper.frameworkId;
      try {
        const tasks = framework === undefined ? [] : await unreachableTasks(framework, signal);
        this.#lookUpTrouble = undefined;
        return this.#step({ type: "unreachable-found", tasks });
      } catch (error) {
        if (signal.aborted) return;
        this.#lookUpTrouble = `the master does not tell what may run on agents that it does not reach: ${describeError(error)}`;
        log.error("cannot ask for tasks on unreachable agents", { reason: describeError(error) });
        const stopped = (): void => undefined; // the loop ends with the signal
        await clock.sleep(backoffMs(LOOK_UP_RETRY, attempt, random), { signal }).catch(stopped);
      }
    }
  }

  #templateOf(spec: ProcessorSpec): RunTemplate {
    let template = this.#templates.get(spec);
    if (template === undefined) {
      template = runTemplate(spec, this.#options);
      this.#templates.set(spec, template);
    }
    return template;
  }

  // ------------------------------------------------------------------------------------------------ the connection

  #connect(): void {
    const { processor, connect } = this.#options;
    const info = frameworkInfo({ ...this.#options, processor: processor.name }, this.#keeper.frameworkId);
    const connection = connect({
      frameworkInfo: info,
      onEvent: (event) => {
        if (connection === this.#connection) this.#fromMaster(event);
      },
    });
    const former = this.#connection;
    this.#connection = connection;
    connection.start();
    former?.close().catch((error: unknown) => {
      this.#options.log.warn("cannot close a connection that is over", { reason: describeError(error) });
    });
  }

  #fromMaster(event: MasterEvent): void {
    if (event.type === "subscribed") {
      this.#connected = true;
      this.#connectionTrouble = undefined;
      this.#refusals = 0;
      this.#onConnected?.();
    } else if (event.type === "disconnected" || event.type === "ended") {
      this.#connected = false;
      this.#connectionTrouble = event.type === "ended" ? event.message : describeError(event.error);
      this.#onDisconnected?.();
    }
    this.#step(event);
    if (event.type === "ended" && this.#life === "open") this.#connectionEnded(event);
  }

  #connectionEnded({ reason, message }: Extract<MasterEvent, { type: "ended" }>): void {
    const { clock, random, log } = this.#options;
    switch (reason) {
      case "failed-over":
        return this.#fail(new FailedOverError(`Cannot go on as framework ${this.#keeper.frameworkId}: ${message}`));
      case "torn-down":
      case "removed":
        log.warn("the master removed the framework: subscribing as a new one", { reason: message });
        return this.#connect();
      case "refused": {
        const pauseMs = backoffMs(SUBSCRIBE_AGAIN, ++this.#refusals, random);
        log.error("the master refuses the framework", { reason: message, againInMs: Math.round(pauseMs) });
        clock.schedule(pauseMs, () => {
          if (this.#life === "open") this.#connect();
        });
        return;
      }
      default:
        return assertNever(reason);
    }
  }

  /** The master ends the stream once it has taken the framework down. */
  async #tearDown(): Promise<void> {
    const frameworkId = this.#keeper.frameworkId;
    if (frameworkId === undefined) return;
    const isSubscribed =
      this.#connected || (await this.#within(SUBSCRIBE_DEADLINE_MS, (on) => (this.#onConnected = on)));
    if (isSubscribed) {
      this.#life = "tearing-down";
      const isDown = this.#within(TEARDOWN_DEADLINE_MS, (on) => (this.#onDisconnected = on));
      this.#connection?.call({ type: "TEARDOWN" });
      if (await isDown) return;
    }
    this.#options.log.warn("framework is not torn down: no Mesos master answers; it ends with its failover timeout", {
      frameworkId,
    });
  }

  /** Whether what `listen` is told of happens in time. */
  async #within(ms: number, listen: (happened: () => void) => void): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const cancel = this.#options.clock.schedule(ms, () => resolve(false));
    listen(() => resolve(true));
    const happened = await promise;
    cancel();
    return happened;
  }

  #fail(error: unknown): void {
    this.#stop("failed", error);
    this.#options.onFatal(error);
  }

  #stop(life: "failed" | "closed", reason: unknown): void {
    this.#life = life;
    this.#stopped.abort(reason);
    this.#cancelWake?.();
  }
}

function recordPlace(taskId: string | undefined): { partition: number; offset: number } | undefined {
  const work = taskId === undefined ? undefined : parseTaskId(taskId)?.work;
  return work === undefined ? undefined : parseRecordWork(work);
}
