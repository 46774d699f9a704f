import type { Clock } from "../../base/clock.ts";
import { assertNever, describeError, invariant } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { StepLoop } from "../../base/step-loop.ts";
import type { RunRequest, RunSpec } from "../../engine/run-wire.ts";
import { neverRan, type ProgramEnd, type ProgramHandle, type Programs } from "../programs.ts";
import { type ContainerKind, ContainerPool, type PoolCommand, type PoolEvent } from "./container-pool.ts";
import { NeverRanError } from "./never-ran.ts";
import type { PooledContainer, PooledRun } from "./pooled-container.ts";

export interface PooledProgramsOptions {
  /** One for runs of this specification, not made yet, that will carry this name. */
  readonly containerFor: (name: string, spec: RunSpec) => PooledContainer;
  /** Where runs go that get none of the pool. */
  readonly fresh: Programs;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Runs in containers that are made ahead of them: the shell around a {@link ContainerPool}. */
export class PooledPrograms {
  readonly #options: PooledProgramsOptions;
  readonly #pool = new ContainerPool<ProgramEnd>();
  readonly #loop: StepLoop<PoolEvent<ProgramEnd>, PoolCommand<ProgramEnd>>;
  readonly #runs = new Map<string, WaitingRun>();
  /** The specifications that containers are made for, by the ids of their kinds. */
  readonly #specs = new Map<string, RunSpec>();
  /** Until they are removed. */
  readonly #containers = new Map<string, PooledContainer>();
  /** Containers with a run in them: it is the run that tells their end. */
  readonly #occupied = new Set<string>();
  /** Set while somebody waits for the last to be removed. */
  #onEmpty: (() => void) | undefined;

  constructor(options: PooledProgramsOptions) {
    this.#options = options;
    this.#loop = new StepLoop(this.#pool, { type: "wake" }, options.clock, (command) => this.#perform(command));
  }

  start(runKey: string, request: RunRequest, kind: ContainerKind, onEnd: (end: ProgramEnd) => void): ProgramHandle {
    const run = new WaitingRun(request, (end) => {
      this.#runs.delete(runKey);
      onEnd(withNotice(end, this.#pool.whyOff(kind.id)));
    });
    this.#runs.set(runKey, run);
    this.#specs.set(kind.id, request.spec);
    // It must not end before this has returned.
    queueMicrotask(() => {
      if (!run.isOver) this.#loop.dispatch({ type: "wanted", run: runKey, kind });
    });
    return {
      kill: (graceMs) => {
        run.kill(graceMs);
        if (run.isOver) this.#loop.dispatch({ type: "unwanted", run: runKey });
      },
    };
  }

  /** Whether the pool has to do with a container of this name. */
  has(name: string): boolean {
    return this.#pool.has(name);
  }

  killAll(): void {
    for (const run of this.#runs.values()) run.kill(0);
  }

  /** Removes what is kept, and what runs once that is over. Resolves when nothing is left. */
  async close(): Promise<void> {
    this.#loop.dispatch({ type: "close" });
    if (this.#containers.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    await promise;
  }

  #perform(command: PoolCommand<ProgramEnd>): void {
    const { log } = this.#options;
    switch (command.type) {
      case "make":
        return void this.#make(command.container, command.kind);
      case "give":
        return void this.#give(command.container, command.run);
      case "run-fresh":
        return this.#runFresh(command.run);
      case "end":
        return this.#runs.get(command.run)?.finish(command.end);
      case "remove":
        return void this.#remove(command.container);
      case "turned-off":
        return log.warn("no containers are kept ready any more", { reason: noticeOf(command.message) });
      default:
        return assertNever(command);
    }
  }

  async #make(name: string, kind: ContainerKind): Promise<void> {
    const spec = this.#specs.get(kind.id);
    invariant(spec !== undefined, `Kind ${kind.id} has no specification`);
    const container = this.#options.containerFor(name, spec);
    this.#containers.set(name, container);
    try {
      await container.make();
    } catch (error) {
      const end = error instanceof NeverRanError ? neverRan(spec, error.outcome) : lost(describeError(error));
      return this.#loop.dispatch({ type: "not-made", container: name, end });
    }
    this.#loop.dispatch({ type: "made", container: name });
    const end = await container.ended;
    if (!this.#occupied.has(name)) this.#loop.dispatch({ container: name, ...end });
  }

  async #give(name: string, runKey: string): Promise<void> {
    const container = this.#containers.get(name);
    invariant(container !== undefined, `Cannot begin run ${runKey} in container ${name}: there is none`);
    const run = this.#runs.get(runKey);
    // It was killed by what another command of the same step set off.
    if (run === undefined) return this.#loop.dispatch({ type: "left", container: name, reusable: true });
    this.#occupied.add(name);
    const pooled = container.begin(runKey, run.request);
    run.begins(pooled);
    const end = await this.#endOf(pooled, container);
    if (end.type === "exited") {
      run.waitsAgain();
    } else {
      // The result does not wait until the container is cleared.
      this.#loop.dispatch({ type: "over", container: name });
      run.finish(end);
    }
    const reusable = end.type === "ended" && (await pooled.leave());
    this.#occupied.delete(name);
    this.#loop.dispatch(
      end.type === "exited" ? { container: name, ...end } : { type: "left", container: name, reusable },
    );
    // It waits again, and was to be ended meanwhile.
    if (end.type === "exited" && run.isOver) this.#loop.dispatch({ type: "unwanted", run: runKey });
  }

  /** "exited": the container had ended before the program could begin. */
  async #endOf(
    pooled: PooledRun,
    container: PooledContainer,
  ): Promise<ProgramEnd | { readonly type: "exited"; readonly message: string }> {
    const end = await pooled.end();
    if (end !== "not-begun") return end;
    const ended = await container.ended;
    return ended.type === "exited" ? ended : lost("The Docker Engine was stopped before the program began");
  }

  #runFresh(runKey: string): void {
    const run = this.#runs.get(runKey);
    run?.begins(this.#options.fresh.start(runKey, run.request, (end) => run.finish(end)));
  }

  async #remove(name: string): Promise<void> {
    try {
      await this.#containers.get(name)?.remove();
    } catch (error) {
      this.#options.log.warn("container cannot be removed, it will be tried again", { container: name, error });
    }
    this.#containers.delete(name);
    if (this.#containers.size === 0) this.#onEmpty?.();
  }
}

/** A run that has no place yet, or has one. */
class WaitingRun {
  readonly request: RunRequest;
  readonly #onEnd: (end: ProgramEnd) => void;
  #handle: ProgramHandle | undefined;
  #isKilled = false;
  #isOver = false;

  constructor(request: RunRequest, onEnd: (end: ProgramEnd) => void) {
    this.request = request;
    this.#onEnd = onEnd;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  kill(graceMs: number): void {
    this.#isKilled = true;
    if (this.#handle === undefined) this.finish(neverRan(this.request.spec, { type: "killed" }));
    else this.#handle.kill(graceMs);
  }

  begins(handle: ProgramHandle): void {
    this.#handle = handle;
  }

  waitsAgain(): void {
    this.#handle = undefined;
    if (this.#isKilled) this.kill(0);
  }

  finish(end: ProgramEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd(end);
  }
}

function lost(message: string): ProgramEnd {
  return { type: "lost", message };
}

function withNotice(end: ProgramEnd, whyOff: string | undefined): ProgramEnd {
  if (whyOff === undefined || end.type === "lost") return end;
  return { type: "ended", result: { ...end.result, notice: noticeOf(whyOff) } };
}

function noticeOf(why: string): string {
  return `each message gets a fresh container, because one that should have waited ended before its first: ${why}`;
}
