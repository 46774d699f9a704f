import type { Logger } from "../../base/log.ts";
import type { RunRequest } from "../../engine/run-wire.ts";
import type { ProgramEnd, ProgramHandle, Programs } from "../programs.ts";
import { ContainerRun, type ContainerRunOptions } from "./container-run.ts";

export interface FreshProgramsOptions extends ContainerRunOptions {
  readonly log: Logger;
}

/** Each run gets a fresh container of its own. */
export class FreshPrograms implements Programs {
  readonly #options: FreshProgramsOptions;
  /** From the start to the removal of the container. */
  readonly #runs = new Map<string, { readonly run: ContainerRun; readonly removed: Promise<void> }>();

  constructor(options: FreshProgramsOptions) {
    this.#options = options;
  }

  start(runKey: string, request: RunRequest, onEnd: (end: ProgramEnd) => void): ProgramHandle {
    const run = new ContainerRun(runKey, request, this.#options);
    this.#runs.set(runKey, { run, removed: this.#follow(runKey, run, onEnd) });
    return run;
  }

  /** Whether the container of this run is not removed yet. */
  has(runKey: string): boolean {
    return this.#runs.has(runKey);
  }

  killAll(): void {
    for (const { run } of this.#runs.values()) run.kill(0);
  }

  /** Resolves when what runs now is over and removed. */
  async removed(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ removed }) => removed));
  }

  /** The end is told first: the result must not wait for the removal. Never rejects. */
  async #follow(runKey: string, run: ContainerRun, onEnd: (end: ProgramEnd) => void): Promise<void> {
    onEnd(await run.end());
    try {
      await run.remove();
    } catch (error) {
      this.#options.log.warn("container cannot be removed, it will be tried again", { taskId: runKey, error });
    }
    this.#runs.delete(runKey);
  }
}
