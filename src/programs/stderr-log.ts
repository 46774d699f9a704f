import { utf8 } from "../base/bytes.ts";
import type { Logger } from "../base/log.ts";
import { RotatingFile } from "./rotating-file.ts";

/** How much of it a run's result carries, for error records. */
export const STDERR_TAIL_BYTES = 8192;
const MAX_FILE_BYTES = 10_000_000;
/**
 * Chunks that were written are garbage, of which JavaScriptCore lets 60 MB and more pile up before it looks. Nothing else
 * in an executor is without a bound, so that this one is kept here: 16 MB cost 2 ms to collect.
 */
const COLLECT_AFTER_BYTES = 16_000_000;

/**
 * What programs write to standard error, in a file of the sandbox (10 MB, and as much again of what came before).
 * A line `==> <run>` goes before the output of another run than the last one.
 */
export class StderrLog {
  readonly #file: RotatingFile;
  readonly #log: Logger;
  #lastRun: string | undefined;
  #uncollectedBytes = 0;
  #failing = false;

  constructor(path: string, log: Logger, maxFileBytes = MAX_FILE_BYTES) {
    this.#file = new RotatingFile(path, maxFileBytes);
    this.#log = log;
  }

  /** A full disk costs the lines and a warning, never the run. */
  write(runKey: string, chunk: Uint8Array): void {
    try {
      if (runKey !== this.#lastRun) this.#file.append(utf8(`==> ${runKey}\n`));
      this.#lastRun = runKey;
      this.#file.append(chunk);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#log.warn("standard error of programs cannot be written", { error });
      this.#failing = true;
    }
    this.#uncollectedBytes += chunk.byteLength;
    if (this.#uncollectedBytes < COLLECT_AFTER_BYTES) return;
    this.#uncollectedBytes = 0;
    Bun.gc(true);
  }

  close(): void {
    this.#file.close();
  }
}
