import { noBytes, utf8 } from "../../../src/base/bytes.ts";
import { type Random, randomInt } from "../../../src/base/random.ts";
import type { RunOutcome } from "../../../src/engine/ports.ts";
import type { RunRequest } from "../../../src/engine/run-wire.ts";
import type { ProgramEnd } from "../../../src/programs/programs.ts";
import type { ProgramOutcome, RecordKey } from "../facts.ts";
import { recordKey } from "../facts.ts";
import type { Faults } from "../faults.ts";
import type { Nature } from "../profile.ts";

/** How a program that was just started will go on, if nobody kills it. */
export interface Plan {
  readonly afterMs: number;
  readonly end: { readonly outcome: ProgramOutcome; readonly result: ProgramEnd } | "executor-crash";
}

/** What programs do: each record has its nature, which shows in its first runs, whoever starts them. */
export class Programs {
  /** While this lasts no program can be found on any agent. */
  missingUntilMs = 0;
  readonly #natures = new Map<RecordKey, Nature>();
  readonly #runs = new Map<RecordKey, number>();
  readonly #random: Random;
  readonly #faults: Faults;
  readonly #meanRunMs: number;

  constructor(random: Random, faults: Faults, options: { readonly meanRunMs: number }) {
    this.#random = random;
    this.#faults = faults;
    this.#meanRunMs = options.meanRunMs;
  }

  setNature(record: RecordKey, nature: Nature): void {
    this.#natures.set(record, nature);
  }

  /** Of its output nobody could tell whose it is, once the record is gone. */
  printsNothing(record: RecordKey): boolean {
    return this.#natures.get(record)?.type === "prints-nothing";
  }

  plan({ record, spec }: RunRequest, nowMs: number): Plan {
    const key = recordKey(record.partition, record.offset);
    const nature = this.#natures.get(key) ?? { type: "succeeds" };
    const afterMs = 1 + this.#random.next() * 2 * this.#meanRunMs;
    const ends = (outcome: ProgramOutcome, runOutcome: RunOutcome, stdout = "", durationMs = afterMs): Plan => {
      const result = {
        outcome: runOutcome,
        stdout: utf8(stdout),
        stderrTail: noBytes,
        durationMs,
        specVersion: spec.version,
      };
      return { afterMs: durationMs, end: { outcome, result: { type: "ended", result } } };
    };
    if (nowMs < this.missingUntilMs) {
      return ends("missing", { type: "not-startable", reason: "program-not-found", message: "no such file" }, "", 0);
    }
    const run = (this.#runs.get(key) ?? 0) + 1;
    this.#runs.set(key, run);
    const isOver = "times" in nature && run > nature.times;
    switch (isOver ? "succeeds" : nature.type) {
      case "succeeds":
      case "output-refused":
        return ends("succeeded", { type: "succeeded" }, `done ${key}`);
      case "prints-nothing":
        return ends("printed-nothing", { type: "succeeded" });
      case "exits-1":
        this.#faults.count("program-exit");
        return ends("failed", { type: "exited", code: 1 + randomInt(this.#random, 60) });
      case "exits-65":
        this.#faults.count("program-exit-65");
        return ends("rejected", { type: "exited", code: 65 });
      case "exits-75":
        this.#faults.count("program-exit-75");
        return ends("later", { type: "exited", code: 75 });
      case "hangs": {
        this.#faults.count("program-timeout");
        const limitMs = spec.timeoutMs ?? 60_000;
        return ends("failed", { type: "timed-out", afterMs: limitMs }, "", limitMs);
      }
      case "crashes-executor":
        this.#faults.count("program-crashes-executor");
        return { afterMs, end: "executor-crash" };
    }
  }
}
