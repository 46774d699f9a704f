import type { OpenRecord, RunState } from "./open-record.ts";
import type { RunId, SettlingSpec } from "./ports.ts";
import type { TrackerCommand } from "./tracker-events.ts";

/** The runs that the runner has not been told to forget. Every one leaves by exactly one `release` command. */
export class Runs {
  readonly #runs = new Map<RunId, RunState>();
  readonly #push: (...commands: TrackerCommand[]) => void;
  #alive = 0;

  constructor(push: (...commands: TrackerCommand[]) => void) {
    this.#push = push;
  }

  /** Runs that are placed or running, as far as is known. */
  get alive(): number {
    return this.#alive;
  }

  get(id: RunId): RunState | undefined {
    return this.#runs.get(id);
  }

  start(id: RunId, open: OpenRecord, spec: SettlingSpec, alone: boolean): RunState {
    return this.#attach({ id, open, spec, alone, adopted: false, phase: "alive" });
  }

  /** Of an earlier life of the scheduler. */
  adopt(id: RunId, open: OpenRecord): RunState {
    return this.#attach({ id, open, spec: undefined, alone: false, adopted: true, phase: "alive" });
  }

  /** It reported its end; its result is kept by the runner until {@link release}. */
  end(run: RunState): void {
    this.#leaveAlive(run);
    run.phase = "ended";
  }

  /** Given up, though it may still report. */
  miss(run: RunState): void {
    this.#leaveAlive(run);
    run.phase = "missing";
  }

  cancel(run: RunState): void {
    if (run.phase !== "ended") this.#push({ type: "cancel", runId: run.id });
    this.end(run);
  }

  /** The runner may forget it, and acknowledges its last status update. */
  release(run: RunState): void {
    this.end(run);
    this.#runs.delete(run.id);
    run.open.runs = run.open.runs.filter((other) => other !== run);
    this.#push({ type: "release", runId: run.id });
  }

  /** Not wanted any more, known here or not: ended where it may be alive, then forgotten. */
  abandon(id: RunId): void {
    const run = this.#runs.get(id);
    if (run === undefined) {
      this.#push({ type: "cancel", runId: id }, { type: "release", runId: id });
      return;
    }
    this.cancel(run);
    this.release(run);
  }

  #attach(run: RunState): RunState {
    const { id, open } = run;
    this.#runs.set(id, run);
    open.runs = [...open.runs, run];
    this.#alive++;
    return run;
  }

  #leaveAlive(run: RunState): void {
    if (run.phase === "alive") this.#alive--;
  }
}
