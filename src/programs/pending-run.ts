import type { RunRequest } from "../engine/run-wire.ts";
import { neverRan, type ProgramEnd, type ProgramHandle } from "./programs.ts";

/** A run that waits until it may begin. One that is killed before that never does. */
export class PendingRun implements ProgramHandle {
  readonly #request: RunRequest;
  readonly #onEnd: (end: ProgramEnd) => void;
  #handle: ProgramHandle | undefined;
  #killed = false;

  constructor(request: RunRequest, onEnd: (end: ProgramEnd) => void) {
    this.#request = request;
    this.#onEnd = onEnd;
  }

  kill(graceMs: number): void {
    this.#killed = true;
    this.#handle?.kill(graceMs);
  }

  begin(start: () => ProgramHandle): void {
    if (!this.#killed) {
      this.#handle = start();
      return;
    }
    this.#onEnd(neverRan(this.#request.spec, { type: "killed" }));
  }
}
