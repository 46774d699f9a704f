import { noBytes } from "../base/bytes.ts";
import type { RunRequest } from "../engine/run-wire.ts";
import type { ProgramEnd, ProgramHandle } from "./programs.ts";

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
    const { version } = this.#request.spec;
    const outcome = { type: "killed" } as const;
    const result = { outcome, stdout: noBytes, stderrTail: noBytes, durationMs: 0, specVersion: version };
    this.#onEnd({ type: "ended", result });
  }
}
