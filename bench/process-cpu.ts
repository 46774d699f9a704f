import { readdirSync, readFileSync } from "node:fs";

/** Ticks of /proc are hundredths of a second on Linux. */
const TICKS_PER_SECOND = 100;

export interface ProcessUse {
  readonly pid: number;
  readonly command: string;
  readonly parent: number;
  /** User and system time of the process itself, ended children not included, ms. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** Every process that runs now, by pid. */
function processes(): Map<number, ProcessUse> {
  const all = new Map<number, ProcessUse>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      all.set(Number(name), {
        pid: Number(name),
        command,
        parent: Number(fields[1]),
        cpuMs: ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1000,
        rssBytes: Number(fields[21]) * 4096,
      });
    } catch (error) {
      // It ended between the listing and the reading.
      if (!(error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")))
        throw error;
    }
  }
  return all;
}

/** The process and everything below it whose command line matches. */
export function tree(root: number, matches: (command: string) => boolean): ProcessUse[] {
  const all = processes();
  const wanted = new Set([root]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const { pid, parent } of all.values()) {
      if (wanted.has(parent) && !wanted.has(pid)) {
        wanted.add(pid);
        grown = true;
      }
    }
  }
  return [...all.values()].filter(({ pid, command }) => wanted.has(pid) && matches(command));
}

/** CPU time of a `brigade local`, ms: of all its processes and of each kind of them, the programs left out. */
export function brigadeCpu(root: number): { readonly total: number; readonly parts: ReadonlyMap<string, number> } {
  const parts = new Map<string, number>();
  let total = 0;
  for (const { command, cpuMs } of tree(root, (text) => text.includes("brigade"))) {
    const part = /\b(local-mesos|local-kafka|executor|local)\b/.exec(command)?.[1] ?? "other";
    parts.set(part, (parts.get(part) ?? 0) + cpuMs);
    total += cpuMs;
  }
  return { total, parts };
}
