import { showUtf8 } from "../../base/bytes.ts";
import { describeError } from "../../base/errors.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import type { RunRequest } from "../../engine/run-wire.ts";
import { programEnvironment } from "../program-environment.ts";
import type { ProgramEnd } from "../programs.ts";
import { notStartable } from "../start-failure.ts";
import type { EndSignal } from "../termination.ts";
import { outcomeOf } from "./container-exit.ts";
import type { EngineClient } from "./engine-client.ts";
import type { EngineContainer } from "./engine-container.ts";
import type { EngineWatch } from "./engine-watch.ts";
import { EngineRefusedError } from "./errors.ts";
import { createExec, type ExecState, inspectExec, startExec } from "./exec-api.ts";
import { Execution, type ExecutionOptions } from "./execution.ts";
import { type Keeper, KeeperLostError } from "./keeper.ts";
import { blamesProgram, NeverRanError, refusedOption } from "./never-ran.ts";
import { OutputStream } from "./output-stream.ts";
import type { PooledRun } from "./pooled-container.ts";

export interface ExecRunOptions extends ExecutionOptions {
  readonly client: EngineClient;
  readonly watch: EngineWatch;
}

/** Where a run takes place: a container that it has for itself, for as long as it lasts. */
export interface ExecPlace {
  readonly container: EngineContainer;
  readonly keeper: Keeper;
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Processes that were out of memory before. */
  outOfMemory: number | undefined;
}

/** Between two looks whether a program that says nothing any more has exited. */
const FIRST_LOOK_MS = 2;
const LAST_LOOK_MS = 500;
/** Between two looks whether a program that is to be signalled has started. */
const START_LOOK_MS = 10;

/**
 * One run as a process of its own in a container that is kept.
 *
 * The Engine has no call that signals such a process. With grace it is asked by the container's keeper, with everything
 * that it started; where that does not help the container itself is killed, and another one takes its place.
 */
export class ExecRun implements PooledRun {
  readonly #request: RunRequest;
  readonly #place: ExecPlace;
  readonly #options: ExecRunOptions;
  readonly #execution: Execution;
  /** Rejects as soon as the run cannot be followed any more. */
  readonly #broken = Promise.withResolvers<never>();
  #execId: string | undefined;
  #stream: OutputStream | undefined;
  /** The container outlives the run. */
  #isReusable = true;

  constructor(runKey: string, request: RunRequest, place: ExecPlace, options: ExecRunOptions) {
    this.#request = request;
    this.#place = place;
    this.#options = options;
    this.#execution = new Execution(runKey, request.spec, options, {
      signal: (name) => {
        this.#signal(name).catch((error: unknown) => this.#broken.reject(error));
      },
      stopReading: () => this.#stream?.close(),
    });
    // It is looked at only while the program runs.
    this.#broken.promise.catch(() => undefined);
  }

  kill(graceMs: number): void {
    this.#execution.kill(graceMs);
  }

  async end(): Promise<ProgramEnd | "not-begun"> {
    const end = await this.#outcome();
    this.#execution.isOver();
    this.#stream?.close();
    if (end === "not-begun") return end;
    // Where the program is not found an earlier message may have removed it: another container has it again.
    if (end.type === "lost" || end.type === "not-startable") this.#isReusable = false;
    return end.type === "lost" ? end : this.#execution.endsWith(end);
  }

  async leave(): Promise<boolean> {
    if (!this.#isReusable) return false;
    try {
      await this.#place.keeper.signalAll("KILL");
      return true;
    } catch (error) {
      if (error instanceof KeeperLostError) return false;
      throw error;
    }
  }

  async #outcome(): Promise<RunOutcome | Extract<ProgramEnd, { type: "lost" }> | "not-begun"> {
    const { watch } = this.#options;
    const execution = this.#execution;
    try {
      const generation = await watch.enter();
      const hasBegun = await this.#start();
      if (execution.endedByUs !== undefined && !hasBegun) return execution.endedByUs;
      if (!hasBegun) return "not-begun";
      const exit = await Promise.race([this.#follow(), this.#broken.promise]);
      if (execution.endedByUs !== undefined) return execution.endedByUs;
      if (await watch.isIn(generation)) return exit;
      return { type: "lost", message: "The Docker Engine was stopped while the program ran" };
    } catch (error) {
      if (error instanceof NeverRanError) return execution.endedByUs ?? error.outcome;
      return { type: "lost", message: describeError(error) };
    }
  }

  /** @returns false where the container does not run any more */
  async #start(): Promise<boolean> {
    const { client } = this.#options;
    const { container, argv } = this.#place;
    const { value } = this.#request.record;
    const hasInput = value !== null && value.byteLength > 0;
    try {
      this.#execId = await createExec(client, container.id, {
        Cmd: argv,
        Env: Object.entries(programEnvironment(this.#request)).map(([name, text]) => `${name}=${text}`),
        AttachStdin: hasInput,
        AttachStdout: true,
        AttachStderr: true,
      });
      const execId = this.#execId;
      if (this.#execution.endedByUs !== undefined) return false;
      this.#stream = await OutputStream.open((onData) => startExec(client, execId, onData), this.#execution);
    } catch (error) {
      if (!(error instanceof EngineRefusedError && (error.status === 404 || error.status === 409)))
        throw refusedOption(error);
      // Somebody has paused it, which nobody may ever undo.
      if (/ is paused/.test(error.reason)) throw error;
      return false;
    }
    if (hasInput) this.#stream.finishWith(value);
    this.#execution.begins();
    return true;
  }

  /** From the start to the exit of the program, and to the end of its output, children included. */
  async #follow(): Promise<RunOutcome> {
    await this.#execution.readsOutput(this.#stream?.ends());
    const { exitCode, pid } = await this.#exit();
    this.#execution.isOver();
    if (this.#execution.endedByUs !== undefined) return this.#execution.endedByUs;
    if (pid === 0) return this.#neverStarted();
    if (exitCode === 0) return { type: "succeeded" };
    return outcomeOf({ exitCode, outOfMemory: await this.#wasOutOfMemory() });
  }

  /** The Engine tells the end of the output before it knows the exit. What could not be started may never have one. */
  async #exit(): Promise<ExecState> {
    const { client, clock } = this.#options;
    for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(LAST_LOOK_MS, 2 * pauseMs)) {
      const state = await inspectExec(client, this.#execId ?? "");
      if (!state.running) return state;
      await clock.sleep(pauseMs);
    }
  }

  /**
   * Its own words stand where the output should. They alone tell whose fault it is.
   *
   * @throws {NeverRanError}
   */
  #neverStarted(): never {
    const words = showUtf8(this.#execution.output).trim();
    const message = `Cannot start the program in its container: ${words}`;
    throw blamesProgram(words, this.#place.argv[0] ?? "")
      ? new NeverRanError(notStartable("program-not-found", message))
      : new KeeperLostError(message);
  }

  /** Of a container that died with the program the Engine knows it. */
  async #wasOutOfMemory(): Promise<boolean> {
    const { keeper, container, outOfMemory: before } = this.#place;
    try {
      const count = await keeper.countOutOfMemory();
      this.#place.outOfMemory = count;
      return count !== before;
    } catch (error) {
      if (!(error instanceof KeeperLostError)) throw error;
      this.#isReusable = false;
      return (await container.state()).outOfMemory;
    }
  }

  async #signal(name: EndSignal): Promise<void> {
    const { container, keeper } = this.#place;
    if (name === "SIGTERM") {
      try {
        await this.#hasStarted();
        return await keeper.signalAll("TERM");
      } catch (error) {
        if (!(error instanceof KeeperLostError)) throw error;
      }
    }
    this.#isReusable = false;
    await container.signal("SIGKILL");
  }

  /** The Engine answers before the program runs: a signal that comes so early would reach nobody. */
  async #hasStarted(): Promise<void> {
    const { client, clock } = this.#options;
    for (;;) {
      const state = await inspectExec(client, this.#execId ?? "");
      if (state.pid !== 0 || hasExited(state)) return;
      await clock.sleep(START_LOOK_MS);
    }
  }
}

/** Before it runs it does not run either, but has no exit code. */
function hasExited({ running, exitCode }: ExecState): boolean {
  return !running && exitCode >= 0;
}
