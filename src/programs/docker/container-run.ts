import type { Clock } from "../../base/clock.ts";
import { BrigadeError, describeError } from "../../base/errors.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import type { RunRequest } from "../../engine/run-wire.ts";
import { BoundedBuffer } from "../bounded-buffer.ts";
import type { ProgramEnd, ProgramHandle } from "../programs.ts";
import { notStartable } from "../start-failure.ts";
import { STDERR_TAIL_BYTES, type StderrLog } from "../stderr-log.ts";
import { TailBuffer } from "../tail-buffer.ts";
import { type EndSignal, Termination } from "../termination.ts";
import { containerConfig, type Owner } from "./container-config.ts";
import { lacksProgram, outcomeOf } from "./container-exit.ts";
import { ContainerStreams } from "./container-streams.ts";
import {
  createContainer,
  inspectContainer,
  removeContainer,
  signalContainer,
  startContainer,
  waitForContainer,
} from "./engine-api.ts";
import type { EngineClient } from "./engine-client.ts";
import type { EngineWatch } from "./engine-watch.ts";
import { EngineRefusedError } from "./errors.ts";
import type { Images } from "./images.ts";

const DEFAULT_TIMEOUT_GRACE_MS = 3000;

export interface ContainerRunOptions {
  readonly client: EngineClient;
  readonly watch: EngineWatch;
  readonly images: Images;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly stderrLog: Pick<StderrLog, "write">;
  /** Between SIGTERM and SIGKILL of a program that took too long. Default 3 s. */
  readonly timeoutGraceMs?: number;
}

/** Why we ended a run; the first reason decides its outcome. */
type EndedByUs = Extract<RunOutcome, { type: "killed" | "timed-out" | "output-too-large" }>;

type Phase =
  | { readonly type: "preparing" }
  | { readonly type: "running"; readonly id: string; readonly startedMs: number }
  | { readonly type: "over"; readonly durationMs: number };

/** The run is over before its program ran: it was not wanted any more, or it cannot be started as it is specified. */
class NeverRanError extends BrigadeError {
  override readonly name = "NeverRanError";
  readonly code = "never-ran";
  readonly fault = "processor";
  readonly outcome: RunOutcome;

  constructor(outcome: RunOutcome) {
    super(outcome.type === "not-startable" ? outcome.message : "The run was ended before its program ran");
    this.outcome = outcome;
  }
}

/** One run in a container of its own: created, fed, followed to its end, removed. */
export class ContainerRun implements ProgramHandle {
  readonly #runKey: string;
  readonly #request: RunRequest;
  readonly #options: ContainerRunOptions;
  readonly #stdout: BoundedBuffer;
  readonly #stderrTail = new TailBuffer(STDERR_TAIL_BYTES);
  readonly #termination: Termination;
  /** Rejects as soon as the run cannot be followed any more. */
  readonly #broken = Promise.withResolvers<never>();
  /** Resolves as soon as the run is to be ended, whatever it waits for. */
  readonly #unwanted = Promise.withResolvers<"unwanted">();
  #phase: Phase = { type: "preparing" };
  #containerId: string | undefined;
  #streams: ContainerStreams | undefined;
  #endedByUs: EndedByUs | undefined;
  #cancelTimeout: (() => void) | undefined;

  constructor(runKey: string, request: RunRequest, options: ContainerRunOptions) {
    this.#runKey = runKey;
    this.#request = request;
    this.#options = options;
    this.#stdout = new BoundedBuffer(request.spec.maxOutputBytes);
    this.#termination = new Termination(options.clock, (name) => this.#signal(name));
    // It is looked at only while the program runs.
    this.#broken.promise.catch(() => undefined);
  }

  kill(graceMs: number): void {
    if (this.#phase.type === "over") return;
    this.#endedByUs ??= { type: "killed" };
    this.#terminate(graceMs);
  }

  /** Follows the run to its end. Never rejects. The container is still there: see {@link remove}. */
  async end(): Promise<ProgramEnd> {
    const outcome = await this.#outcome();
    const durationMs = this.#isOver();
    if (outcome.type === "lost") return outcome;
    return {
      type: "ended",
      result: {
        outcome,
        stdout: this.#stdout.bytes,
        stderrTail: this.#stderrTail.bytes,
        durationMs,
        specVersion: this.#request.spec.version,
      },
    };
  }

  /**
   * Removes what the Engine holds of the run.
   *
   * @throws {EngineLostError} it may still be there
   * @throws {EngineRefusedError} it is still there
   */
  async remove(): Promise<void> {
    if (this.#containerId !== undefined) await removeContainer(this.#options.client, this.#containerId);
  }

  async #outcome(): Promise<RunOutcome | Extract<ProgramEnd, { type: "lost" }>> {
    const { watch } = this.#options;
    try {
      const generation = await watch.enter();
      const id = await this.#create();
      if (this.#endedByUs !== undefined) return this.#endedByUs;
      await this.#start(id);
      const exit = await Promise.race([this.#follow(id), this.#broken.promise]);
      if (this.#endedByUs !== undefined) return this.#endedByUs;
      if (await watch.isIn(generation)) return exit;
      return { type: "lost", message: "The Docker Engine was stopped while the container ran" };
    } catch (error) {
      if (error instanceof NeverRanError) return this.#endedByUs ?? error.outcome;
      return { type: "lost", message: describeError(error) };
    }
  }

  /** @throws {NeverRanError} */
  async #create(): Promise<string> {
    const { client, images, owner } = this.#options;
    const { program } = this.#request.spec;
    const config = containerConfig(this.#runKey, this.#request, owner);
    const ensure = async (pull: (image: string) => Promise<PullResult>): Promise<void> => {
      // The pull itself goes on: others may wait for it, and the next run will.
      const failure = await Promise.race([pull(config.Image), this.#unwanted.promise]);
      if (failure === "unwanted") throw new NeverRanError({ type: "killed" });
      if (failure !== null) throw new NeverRanError(notStartable(failure.reason, failure.message));
    };
    const create = async (): Promise<string> => {
      this.#containerId = await createContainer(client, config);
      return this.#containerId;
    };

    if (program.type === "image" && program.forcePull) await ensure((image) => images.refresh(image));
    try {
      return await create();
    } catch (error) {
      // To ask whether the image is here would cost each run a call; the Engine tells it anyway.
      if (!(error instanceof EngineRefusedError && error.status === 404)) throw refusedOption(error);
    }
    await ensure((image) => images.pull(image));
    return create().catch((error: unknown) => {
      throw refusedOption(error);
    });
  }

  /** @throws {NeverRanError} */
  async #start(id: string): Promise<void> {
    const { client, clock, stderrLog } = this.#options;
    const { record, spec } = this.#request;
    this.#streams = await ContainerStreams.attach(client, id, record.value, {
      stdout: (part) => this.#onStdout(part),
      stderr: (part) => {
        this.#stderrTail.add(part);
        stderrLog.write(this.#runKey, part);
      },
    });
    try {
      await startContainer(client, id);
    } catch (error) {
      throw await this.#startFailure(id, error);
    }
    this.#phase = { type: "running", id, startedMs: clock.monotonicMs() };
    this.#termination.repeat();
    const { timeoutMs } = spec;
    if (timeoutMs !== null) this.#cancelTimeout = clock.schedule(timeoutMs, () => this.#timeOut(timeoutMs));
  }

  /** The Engine tells by exit codes of its own whether it was the program that it did not find. */
  async #startFailure(id: string, error: unknown): Promise<unknown> {
    if (!(error instanceof EngineRefusedError)) return error;
    const state = await inspectContainer(this.#options.client, id);
    if (lacksProgram(state)) {
      return new NeverRanError(notStartable("program-not-found", `Cannot start the container: ${error.reason}`));
    }
    return error.status === 400 ? refusedOption(error) : error;
  }

  /** From the start to the exit of the container's first process, after which no other is left in it. */
  async #follow(id: string): Promise<RunOutcome> {
    const { client } = this.#options;
    try {
      await this.#streams?.outputEnds();
    } catch (error) {
      // At its bound we have closed it ourselves.
      if (this.#endedByUs?.type !== "output-too-large") throw error;
    }
    const exitCode = await waitForContainer(client, id);
    // What it came to by itself stands, even if it is asked to end from here on.
    this.#isOver();
    if (exitCode === 0) return { type: "succeeded" };
    return outcomeOf({ ...(await inspectContainer(client, id)), exitCode });
  }

  #onStdout(part: Uint8Array): void {
    if (this.#endedByUs?.type === "output-too-large" || this.#stdout.add(part)) return;
    this.#endedByUs ??= { type: "output-too-large", limitBytes: this.#request.spec.maxOutputBytes };
    this.#streams?.close();
    this.#terminate(0);
  }

  #timeOut(afterMs: number): void {
    this.#endedByUs ??= { type: "timed-out", afterMs };
    this.#terminate(this.#options.timeoutGraceMs ?? DEFAULT_TIMEOUT_GRACE_MS);
  }

  #terminate(graceMs: number): void {
    this.#unwanted.resolve("unwanted");
    this.#termination.request(graceMs);
  }

  /** Before it runs there is nobody to signal: whoever starts it looks whether it is still wanted. */
  #signal(name: EndSignal): void {
    if (this.#phase.type !== "running") return;
    signalContainer(this.#options.client, this.#phase.id, name).catch((error: unknown) => this.#broken.reject(error));
  }

  /** Idempotent. @returns how long the program ran, ms */
  #isOver(): number {
    if (this.#phase.type === "over") return this.#phase.durationMs;
    const nowMs = this.#options.clock.monotonicMs();
    const durationMs = this.#phase.type === "running" ? nowMs - this.#phase.startedMs : 0;
    this.#phase = { type: "over", durationMs };
    this.#termination.settle();
    this.#cancelTimeout?.();
    this.#streams?.close();
    return durationMs;
  }
}

type PullResult = Awaited<ReturnType<Images["pull"]>>;

/** What the Engine does not accept of a specification; anything else is the Engine's own trouble. */
function refusedOption(error: unknown): unknown {
  if (!(error instanceof EngineRefusedError) || error.status >= 500) return error;
  return new NeverRanError(notStartable("option-refused", `Cannot run the container: ${error.reason}`));
}
