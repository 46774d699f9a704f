import { readFileSync, writeFileSync } from "node:fs";
import { processesOf } from "./leftovers.ts";

export interface Growth {
  readonly command: string;
  /** The most that was resident since {@link PeakMemory.of}, less what was resident then. */
  readonly bytes: number;
}

/** What all processes of a folder that run one program grow by: the kernel's own record of each one's peak. */
export class PeakMemory {
  readonly #before: ReadonlyMap<number, { readonly command: string; readonly bytes: number }>;

  private constructor(before: ReadonlyMap<number, { command: string; bytes: number }>) {
    this.#before = before;
  }

  /** Begins here, with the processes that run now. */
  static of(folder: string, binary: string): PeakMemory {
    const own = processesOf(folder).filter(({ command }) => command.startsWith(`${binary} `));
    for (const { pid } of own) forgetPeak(pid);
    return new PeakMemory(new Map(own.map(({ pid, command }) => [pid, { command, bytes: resident(pid, "VmRSS") }])));
  }

  /** @throws where one of them has ended meanwhile */
  get growth(): readonly Growth[] {
    return [...this.#before].map(([pid, { command, bytes }]) => {
      return { command, bytes: resident(pid, "VmHWM") - bytes };
    });
  }
}

/** proc(5): the peak becomes what is resident now. */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function resident(pid: number, field: "VmRSS" | "VmHWM"): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (match === null) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(match[1]) * 1024;
}
