import type { OpenRecord, RunState } from "./open-record.ts";
import type { RunId, SettlingSpec } from "./ports.ts";
import type { Survivors } from "./survivors.ts";
import type { TrackerCommand } from "./tracker-events.ts";

export interface RunsOptions {
  readonly push: (...commands: TrackerCommand[]) => void;
  readonly survivors: Survivors;
  readonly forbidsOverlap: () => boolean;
}

/**
 * The runs of open records that the runner has not been told to forget. Every one leaves by exactly one `release`
 * command, or to the survivors.
 */
export class Runs {
  readonly #runs = new Map<RunId, RunState>();
  readonly #options: RunsOptions;
  #alive = 0;

  constructor(options: RunsOptions) {
    this.#options = options;
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
    if (run.phase !== "ended") this.#options.push({ type: "cancel", runId: run.id });
    this.end(run);
  }

  /** The runner may forget it, and acknowledges its last status update. */
  release(run: RunState): void {
    this.#detach(run);
    this.#options.push({ type: "release", runId: run.id });
  }

  /** Not wanted any more: ended where it may be alive, then forgotten; where overlap is forbidden, once it is dead. */
  abandon(run: RunState): void {
    const { id, open, phase } = run;
    this.cancel(run);
    if (phase === "ended" || !this.#options.forbidsOverlap()) return this.release(run);
    this.#detach(run);
    const { partition, offset } = open.record;
    // Of a record that has expired nobody knows the key.
    const lane = open.expired ? undefined : (open.lane ?? null);
    this.#options.survivors.add({ runId: id, partition, offset, lane });
  }

  /** As {@link abandon}, of a run whose record is not open. */
  abandonStray(runId: RunId, partition: number, offset: number): void {
    const { push, forbidsOverlap, survivors } = this.#options;
    push({ type: "cancel", runId });
    if (forbidsOverlap()) survivors.add({ runId, partition, offset, lane: undefined });
    else push({ type: "release", runId });
  }

  #detach(run: RunState): void {
    this.end(run);
    this.#runs.delete(run.id);
    run.open.runs = run.open.runs.filter((other) => other !== run);
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
