import { readFileSync } from "node:fs";
import { BrigadeError } from "../../src/base/errors.ts";

/** What this process has taken at the most since it began, in bytes. */
export interface PeakMemory {
  /** In memory (VmHWM). */
  readonly resident: number;
  /** Of its address space (VmPeak): also what was asked for and never written to. */
  readonly mapped: number;
}

/** @see man 5 proc_pid_status */
export function peakMemory(): PeakMemory {
  const status = readFileSync("/proc/self/status", "utf8");
  const bytes = (name: string): number => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    if (kib === undefined) throw new Error(`/proc/self/status has no ${name}`);
    return Number(kib) * 1024;
  };
  return { resident: bytes("VmHWM"), mapped: bytes("VmPeak") };
}

/** A decoder, or what feeds it, holds memory, or takes as much as its input claims to need. */
export class MemoryGrowthError extends BrigadeError {
  override readonly name = "MemoryGrowthError";
  readonly code = "memory-growth";
  readonly fault = "bug";
}

/** Holds the memory of this process to a bound from now on. */
export class MemoryBound {
  readonly #peak: () => PeakMemory;
  readonly #from: PeakMemory;
  readonly #growthBytes: number;

  constructor(growthBytes: number, peak: () => PeakMemory = peakMemory) {
    this.#peak = peak;
    this.#from = peak();
    this.#growthBytes = growthBytes;
  }

  /** @throws {MemoryGrowthError} */
  check(): void {
    const now = this.#peak();
    for (const kind of ["resident", "mapped"] as const) {
      const grown = now[kind] - this.#from[kind];
      if (grown <= this.#growthBytes) continue;
      throw new MemoryGrowthError(
        `${megabytes(grown)} MB more are ${kind} than at the beginning, must be at most ${megabytes(this.#growthBytes)}`,
      );
    }
  }
}

export function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
