import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { assertNever, BrigadeError, describeError, errorFromData } from "../base/errors.ts";
import type { Logger, LogSink } from "../base/log.ts";
import type { MetricFamily } from "../base/metrics.ts";
import type { Random } from "../base/random.ts";
import { consumerGroup } from "../config/names.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import type { Settings } from "../config/settings.ts";
import type { StateStore } from "../state/store.ts";
import type { OffsetsSnapshot } from "./offsets-snapshot.ts";
import type { Deployment, StopMode } from "./protocol.ts";
import { type ProcessorPhase, type ProcessorSnapshot, snapshotOfSpec, type TaskSnapshot } from "./snapshot.ts";
import { WorkerClient, type WorkerEvent } from "./worker-client.ts";
import type { WorkerExit, WorkerFactory } from "./worker-handle.ts";

/** A Worker that cannot live is tried again for ever; a change of its specification tries at once. */
const RESTART: BackoffOptions = { initialMs: 1000, maxMs: 60_000 };
/** One that lived so long was well: the next pause is short again. */
const HEALTHY_AFTER_MS = 60_000;
/** A thread that has said its last word, or was told to end by now, gets this long before it is terminated. */
const EXIT_GRACE_MS = 2000;
/** How long a snapshot may take; a Worker that is busier than that is shown as it was. */
const REQUEST_TIMEOUT_MS = 2000;
/** Removal waits so long for what runs before it kills it. */
export const REMOVAL_DRAIN_MS = 300_000;
/** And so long for TEARDOWN, leaving the group and forgetting the state, before another Worker tries it. */
const TEARDOWN_MS = 30_000;

/** A Worker ended without having said why. */
export class WorkerDiedError extends BrigadeError {
  override readonly name = "WorkerDiedError";
  readonly code = "worker-died";
  readonly fault = "bug";
}

/** What is to become of the processor. A removed one that is defined anew goes back to `run`. */
type Goal =
  | { readonly type: "run" }
  | { readonly type: "remove" }
  | { readonly type: "stop"; readonly mode: StopMode; readonly timeoutMs: number };

type LastWord = Extract<WorkerEvent, { type: "stopped" | "failed" }>;

interface Alive {
  readonly type: "alive";
  readonly client: WorkerClient;
  readonly bornMs: number;
  readonly lastWord: LastWord | undefined;
}

type Life =
  | { readonly type: "none" }
  | Alive
  /** It died, and is started again after a pause. */
  | { readonly type: "resting" }
  /** It must not be started again until its specification changes. */
  | { readonly type: "failed" }
  | { readonly type: "ended" };

/** What every supervised processor needs of the world. */
export interface SupervisorContext {
  readonly settings: Settings;
  readonly deployment: Deployment;
  readonly factory: WorkerFactory;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Where the Workers' log entries go as they are. */
  readonly logSink: LogSink;
  readonly onPhase: () => void;
  /** A removal is done: its framework is torn down, its state forgotten. */
  readonly onRemoved: (processor: string) => void;
}

/** Keeps one processor's Worker alive until it is to be stopped or removed. */
export class SupervisedProcessor {
  readonly #context: SupervisorContext;
  readonly #log: Logger;
  readonly #onEnded: (removed: boolean) => void;
  #spec: ProcessorSpec;
  #goal: Goal = { type: "run" };
  #life: Life = { type: "none" };
  #phase: ProcessorPhase = "starting";
  #reason: string | null = null;
  #attempts = 0;
  #lastSnapshot: ProcessorSnapshot | undefined;
  /** Of the one thing that it waits for: the end of a Worker, or of a pause. */
  #cancelTimer: () => void = () => undefined;

  /** @param onEnded called once, when it is stopped or removed and its thread is gone */
  constructor(context: SupervisorContext, spec: ProcessorSpec, onEnded: (removed: boolean) => void) {
    this.#context = context;
    this.#spec = spec;
    this.#onEnded = onEnded;
    this.#log = context.log.child({ processor: spec.name });
  }

  get phase(): ProcessorPhase {
    return this.#phase;
  }

  get reason(): string | null {
    return this.#reason;
  }

  start(): void {
    if (this.#life.type === "none") this.#spawn();
  }

  /** A new version of the specification. One that is being removed is started anew once that is done. */
  update(spec: ProcessorSpec): void {
    this.#spec = spec;
    if (this.#goal.type === "remove") this.#goal = { type: "run" };
    else if (this.#life.type === "alive") this.#life.client.post({ type: "update", spec });
    else if (this.#life.type !== "ended") this.#spawn();
  }

  /** Drains it, tears its framework down and forgets its state. */
  remove(): void {
    if (this.#goal.type !== "run") return;
    this.#goal = { type: "remove" };
    if (this.#life.type === "alive") this.#tellGoal(this.#life.client);
    else if (this.#life.type === "failed") this.#end();
    else this.#spawn(); // tearing the framework down takes a Worker
  }

  /** Ends the Worker within `timeoutMs`. A later call may be more urgent. */
  stop(mode: StopMode, timeoutMs: number): void {
    this.#goal = { type: "stop", mode, timeoutMs };
    if (this.#life.type === "alive") this.#tellGoal(this.#life.client);
    else this.#end();
  }

  async snapshot(): Promise<ProcessorSnapshot> {
    if (this.#life.type === "alive") {
      try {
        this.#lastSnapshot = (await this.#life.client.request("snapshot", REQUEST_TIMEOUT_MS)).snapshot;
        return this.#lastSnapshot;
      } catch (error) {
        this.#log.debug("snapshot is the last known one", { error });
      }
    }
    const last = this.#lastSnapshot ?? snapshotOfSpec(this.#spec, this.#group);
    const framework = { ...last.framework, connected: false };
    return { ...last, phase: this.#phase, reason: this.#reason, framework, ratePerS: 0 };
  }

  /** @throws {WorkerSilentError} the Worker is too busy to answer */
  async offsets(): Promise<OffsetsSnapshot> {
    if (this.#life.type === "alive") return (await this.#life.client.request("offsets", REQUEST_TIMEOUT_MS)).offsets;
    const { name, input } = this.#spec;
    const state = { phase: this.#phase, reason: this.#reason };
    return { processor: name, topic: input, group: this.#group, ...state, waiting: [], partitions: [] };
  }

  async tasks(): Promise<readonly TaskSnapshot[]> {
    if (this.#life.type !== "alive") return [];
    return (await this.#life.client.request("tasks", REQUEST_TIMEOUT_MS)).tasks;
  }

  async metrics(): Promise<readonly MetricFamily[]> {
    if (this.#life.type !== "alive") return [];
    return (await this.#life.client.request("metrics", REQUEST_TIMEOUT_MS)).families;
  }

  get #group(): string {
    return consumerGroup(this.#context.settings.deployment, this.#spec);
  }

  #spawn(): void {
    this.#cancelTimer();
    const { factory, store, clock, logSink, settings, deployment } = this.#context;
    const handle = factory.spawn(this.#spec.name);
    const client = new WorkerClient({ handle, store, clock, logSink, onEvent: (event) => this.#onEvent(event) });
    this.#life = { type: "alive", client, bornMs: clock.monotonicMs(), lastWord: undefined };
    this.#setPhase("starting", null);
    client.post({ type: "start", settings, spec: this.#spec, deployment });
    this.#tellGoal(client);
  }

  #tellGoal(client: WorkerClient): void {
    const goal = this.#goal;
    if (goal.type === "remove") {
      client.post({ type: "remove", timeoutMs: REMOVAL_DRAIN_MS });
      this.#terminateAfter(client, REMOVAL_DRAIN_MS + TEARDOWN_MS);
    } else if (goal.type === "stop") {
      // The Worker's own deadline is earlier, so that it can say its last word before it is terminated.
      const timeoutMs = Math.max(goal.timeoutMs - EXIT_GRACE_MS, goal.timeoutMs / 2);
      client.post({ type: "stop", mode: goal.mode, timeoutMs });
      this.#terminateAfter(client, goal.timeoutMs);
    }
  }

  #terminateAfter(client: WorkerClient, ms: number): void {
    this.#cancelTimer();
    if (!Number.isFinite(ms)) return;
    this.#cancelTimer = this.#context.clock.schedule(ms, () => {
      this.#log.warn("Worker did not end in time and is terminated", { afterMs: ms });
      client.terminate();
    });
  }

  #onEvent(event: WorkerEvent): void {
    const life = this.#life;
    if (life.type !== "alive") return;
    switch (event.type) {
      case "started":
        this.#log.debug("processor started", { version: this.#spec.version });
        return;
      case "state":
        this.#setPhase(event.phase, event.reason);
        return;
      case "stopped":
      case "failed":
        this.#life = { ...life, lastWord: event };
        this.#terminateAfter(life.client, EXIT_GRACE_MS);
        return;
      case "exit":
        this.#cancelTimer();
        this.#onExit(life, event.exit);
        return;
      default:
        assertNever(event);
    }
  }

  #onExit({ lastWord, bornMs }: Alive, exit: WorkerExit): void {
    const stopped = lastWord?.type === "stopped";
    if (this.#goal.type === "stop" || (this.#goal.type === "remove" && stopped)) {
      this.#end();
      return;
    }
    if (stopped) {
      this.#spawn(); // removed, and meanwhile defined anew
      return;
    }
    const error = lastWord === undefined ? diedError(exit) : errorFromData(lastWord.error);
    if (lastWord !== undefined && !lastWord.restart) {
      this.#giveUp(error);
      return;
    }
    const livedMs = this.#context.clock.monotonicMs() - bornMs;
    this.#attempts = livedMs >= HEALTHY_AFTER_MS ? 1 : this.#attempts + 1;
    this.#rest(error);
  }

  #rest(error: Error): void {
    const inMs = Math.round(backoffMs(RESTART, this.#attempts, this.#context.random));
    this.#log.error("processor's Worker died and is started again", { error, stack: error.stack, inMs });
    this.#life = { type: "resting" };
    this.#cancelTimer = this.#context.clock.schedule(inMs, () => this.#spawn());
    this.#setPhase("failed", describeError(error));
  }

  #giveUp(error: Error): void {
    this.#log.error("processor failed and is not started again", { error, stack: error.stack });
    if (this.#goal.type === "remove") {
      this.#end();
      return;
    }
    this.#life = { type: "failed" };
    this.#setPhase("failed", describeError(error));
  }

  #end(): void {
    if (this.#life.type === "ended") return;
    this.#cancelTimer();
    this.#life = { type: "ended" };
    this.#setPhase("stopped", null);
    this.#onEnded(this.#goal.type === "remove");
  }

  #setPhase(phase: ProcessorPhase, reason: string | null): void {
    if (phase === this.#phase && reason === this.#reason) return;
    this.#phase = phase;
    this.#reason = reason;
    this.#log.info("processor changed phase", reason === null ? { phase } : { phase, reason });
    this.#context.onPhase();
  }
}

function diedError(exit: WorkerExit): Error {
  return exit.error ?? new WorkerDiedError(`Worker ended unexpectedly with code ${exit.code}`);
}
