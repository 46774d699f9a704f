import type { Clock } from "../base/clock.ts";
import { assertNever, describeError } from "../base/errors.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import { MetadataTooLargeError, RecordRefusedError, StaleAssignmentError, TopicRefusedError } from "./errors.ts";
import { settlingSpec } from "./live-versions.ts";
import type { OffsetsLimits, OffsetsView } from "./offsets-view.ts";
import type { AssignedPartition, Input, InputEvent, Output, Positions, Runner, Versions } from "./ports.ts";
import { Statistics, type StatisticsView } from "./statistics.ts";
import { Tracker } from "./tracker.ts";
import type {
  CommitFailure,
  SendFailure,
  TrackerCommand,
  TrackerEvent,
  TrackerMode,
  TrackerNote,
} from "./tracker-events.ts";
import { defaultTrackerOptions, type TrackerOptions } from "./tracker-options.ts";
import type { TrackerView } from "./tracker-view.ts";

export interface EngineOptions {
  readonly spec: ProcessorSpec;
  /** Consumer group; error records tell it. */
  readonly group: string;
  readonly input: Input;
  readonly output: Output;
  readonly runner: Runner;
  /** undefined: what Kafka forgets is forgotten. */
  readonly positions?: Positions;
  /** undefined: runs of earlier lives are settled by the present specification. */
  readonly versions?: Versions;
  readonly clock: Clock;
  /** What should be counted or logged. */
  readonly onNote?: (note: TrackerNote) => void;
  /** The engine cannot go on (a broken invariant): its owner stops and restarts it. */
  readonly onFatal: (error: unknown) => void;
  readonly tracker?: TrackerOptions;
}

export interface EngineView extends TrackerView {
  readonly statistics: StatisticsView;
  /** Whether the group has given this member an assignment, be it an empty one. */
  readonly assigned: boolean;
  /** Why reading stands still; undefined while it does not. */
  readonly inputTrouble: string | undefined;
}

/**
 * The loop around the tracker: input → tracker → runner → output. It starts every effect that the tracker commands and
 * hands each result back as an event; no decision lives here.
 *
 * Events are taken one after the other. One that arrives while another is being handled waits for its turn.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #tracker: Tracker;
  readonly #statistics = new Statistics();
  readonly #abort = new AbortController();
  readonly #queue: TrackerEvent[] = [];
  #busy = false;
  #assigned = false;
  /** Which topic of the input's name was read last. */
  #topicId: string | undefined;
  #inputTrouble: string | undefined;
  #cancelWake: (() => void) | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #onFinished: (() => void) | undefined;
  /** Versions that are being stored, and are not to be forgotten meanwhile. */
  readonly #coming: string[] = [];

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#tracker = new Tracker(
      options.spec,
      options.group,
      options.tracker ?? defaultTrackerOptions,
      options.versions?.known,
    );
  }

  /** The runner first, so that what runs is known before the first record is read; then output and input. */
  async start(): Promise<void> {
    const { runner, output, input, versions, spec } = this.#options;
    await versions?.remember(settlingSpec(spec));
    await output.start();
    await runner.start((event) => this.#handle(event));
    await input.start((event) => this.#fromInput(event));
  }

  /** For runs that are decided from now on; "now" is when what settles their results is stored. */
  async update(spec: ProcessorSpec): Promise<void> {
    this.#coming.push(spec.version);
    await this.#options.versions?.remember(settlingSpec(spec));
    this.#handle({ type: "spec", spec });
    this.#coming.shift();
  }

  /** What topics take, where that is known; may be told again at any time. */
  topicLimits(maxMessageBytes: ReadonlyMap<string, number>): void {
    this.#handle({ type: "topic-limits", maxMessageBytes });
  }

  /**
   * Goes into `mode` and resolves once its work is over, or rejects with `signal.reason`. The engine stays usable: what
   * still ends is handled until {@link close}.
   */
  async stop(mode: Exclude<TrackerMode, "run">, signal: AbortSignal): Promise<void> {
    this.#handle({ type: "mode", mode });
    if (this.#tracker.finished) return;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#onFinished = resolve;
    try {
      await promise;
    } finally {
      this.#onFinished = undefined;
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Lets go of everything. Runs go on elsewhere, or are killed with `kill`. */
  async close({ kill }: { readonly kill: boolean }): Promise<void> {
    this.#abort.abort(new Error("the engine is closed"));
    this.#cancelWake?.();
    const { runner, output, input } = this.#options;
    await input.close();
    await runner.close({ kill });
    await output.close();
  }

  view(): EngineView {
    return {
      ...this.#tracker.view(),
      statistics: this.#statistics.view(this.#options.clock.monotonicMs()),
      assigned: this.#assigned,
      inputTrouble: this.#inputTrouble,
    };
  }

  /** Every partition explained; costs more than {@link view}, see offsets-view.ts. */
  offsets(limits: OffsetsLimits): readonly OffsetsView[] {
    return this.#tracker.offsets(limits);
  }

  #fromInput(event: InputEvent): void {
    switch (event.type) {
      case "assigned": {
        this.#reads();
        const partitions = event.partitions.map((from) => this.#remember(from));
        return this.#handle({ ...event, partitions, isAnew: this.#isAnew(event.topicId) });
      }
      case "received":
        this.#reads();
        return this.#handle(event);
      case "refused":
        if (event.error instanceof TopicRefusedError && event.error.missing) this.#options.positions?.forget();
        this.#inputTrouble = describeError(event.error);
        return;
      case "interrupted":
        this.#inputTrouble = describeError(event.error);
        return;
      default:
        return assertNever(event);
    }
  }

  #reads(): void {
    this.#assigned = true;
    this.#inputTrouble = undefined;
  }

  #isAnew(topicId: string | undefined): boolean {
    if (topicId === undefined) return false;
    const { positions } = this.#options;
    const former = this.#topicId ?? positions?.topicId;
    this.#topicId = topicId;
    positions?.of(topicId);
    return former !== undefined && former !== topicId;
  }

  #remember(from: AssignedPartition): AssignedPartition {
    const last = from.committed === null ? this.#options.positions?.last(from.partition) : undefined;
    return last === undefined ? from : { ...from, remembered: last };
  }

  #handle(event: TrackerEvent): void {
    this.#queue.push(event);
    if (this.#busy || this.#abort.signal.aborted) return;
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        for (const command of this.#tracker.step(next, this.#options.clock.monotonicMs())) this.#perform(command);
      }
      this.#scheduleWake();
      if (this.#tracker.finished) this.#onFinished?.();
    } catch (error) {
      this.#abort.abort(error);
      this.#options.onFatal(error);
    } finally {
      this.#busy = false;
    }
  }

  #perform(command: TrackerCommand): void {
    const { input, runner } = this.#options;
    switch (command.type) {
      case "run":
        return runner.run(command.run);
      case "cancel":
        return runner.cancel(command.runId);
      case "release":
        return runner.release(command.runId);
      case "send":
        return this.#send(command);
      case "commit":
        return this.#commit(command);
      case "seek":
        return input.seek(command.epoch, command.partition, command.offset);
      case "pause":
        return input.pause(command.partitions);
      case "resume":
        return input.resume(command.partitions);
      case "forget-version":
        if (!this.#coming.includes(command.version)) this.#options.versions?.forget(command.version);
        return;
      case "note":
        this.#statistics.note(command.note, this.#options.clock.monotonicMs());
        return this.#options.onNote?.(command.note);
      default:
        return assertNever(command);
    }
  }

  #send({ sendId, records }: Extract<TrackerCommand, { type: "send" }>): void {
    this.#options.output.send(records, { signal: this.#abort.signal }).then(
      () => this.#handle({ type: "sent", sendId }),
      (error: unknown) => this.#handle({ type: "send-failed", sendId, failure: sendFailure(error) }),
    );
  }

  #commit({ commitId, epoch, offsets }: Extract<TrackerCommand, { type: "commit" }>): void {
    this.#options.input.commit(epoch, offsets).then(
      () => {
        this.#options.positions?.committed(offsets);
        this.#handle({ type: "committed", commitId });
      },
      (error: unknown) => this.#handle({ type: "commit-failed", commitId, failure: commitFailure(error) }),
    );
  }

  #scheduleWake(): void {
    const { clock } = this.#options;
    const wakeAtMs = this.#tracker.wakeMs ?? Number.POSITIVE_INFINITY;
    if (wakeAtMs === this.#wakeAtMs) return;
    this.#cancelWake?.();
    this.#wakeAtMs = wakeAtMs;
    if (wakeAtMs === Number.POSITIVE_INFINITY) return;
    this.#cancelWake = clock.schedule(Math.max(1, wakeAtMs - clock.monotonicMs()), () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#handle({ type: "tick" });
    });
  }
}

function commitFailure(error: unknown): CommitFailure {
  if (error instanceof StaleAssignmentError) return "stale";
  return error instanceof MetadataTooLargeError ? "metadata-too-large" : "unavailable";
}

function sendFailure(error: unknown): SendFailure {
  const message = describeError(error);
  if (error instanceof RecordRefusedError) return { type: "record-refused", message, tooLarge: error.tooLarge };
  if (error instanceof TopicRefusedError) return { type: "topic-refused", message };
  return { type: "unavailable", message };
}
