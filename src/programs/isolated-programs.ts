import { describeError } from "../base/errors.ts";
import type { RunRequest } from "../engine/run-wire.ts";
import { PendingRun } from "./pending-run.ts";
import type { ProgramEnd, ProgramHandle, Programs } from "./programs.ts";

/** Programs that need to be closed. */
export interface ClosablePrograms extends Programs {
  close(): Promise<void>;
}

export interface IsolatedProgramsOptions {
  readonly process: Programs;
  /** Called for the first run in a container; where that fails, for the next one again. */
  readonly openContainers: () => Promise<ClosablePrograms>;
}

/** Runs each program in the isolation that its specification asks for. */
export class IsolatedPrograms implements ClosablePrograms {
  readonly #options: IsolatedProgramsOptions;
  #containers: Promise<ClosablePrograms> | undefined;
  #closed = false;

  constructor(options: IsolatedProgramsOptions) {
    this.#options = options;
  }

  start(runKey: string, request: RunRequest, onEnd: (end: ProgramEnd) => void): ProgramHandle {
    if (request.spec.isolation === "process") return this.#options.process.start(runKey, request, onEnd);
    const run = new PendingRun(request, onEnd);
    this.#containers ??= this.#open();
    this.#containers.then(
      (programs) => run.begin(() => programs.start(runKey, request, onEnd)),
      (error: unknown) => onEnd({ type: "lost", message: describeError(error) }),
    );
    return run;
  }

  killAll(): void {
    this.#closed = true;
    this.#options.process.killAll();
    void this.#containers?.then(
      (programs) => programs.killAll(),
      () => undefined,
    );
  }

  async close(): Promise<void> {
    this.killAll();
    const containers = await this.#containers?.catch(() => undefined);
    await containers?.close();
  }

  async #open(): Promise<ClosablePrograms> {
    try {
      return await this.#options.openContainers();
    } catch (error) {
      if (!this.#closed) this.#containers = undefined;
      throw error;
    }
  }
}
