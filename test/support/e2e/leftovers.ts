import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { errorCode } from "../../../src/base/errors.ts";

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/**
 * Processes that have to do with a folder: it stands in their environment or their command line, or they work in it.
 * A test's TMPDIR lies in a folder of its own, so that these are all that it ever started, directly or not.
 */
export function processesOf(folder: string): readonly Leftover[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => traces(pid).some((trace) => trace.includes(folder)))
    .map((pid) => ({ pid: Number(pid), command: readProc(pid, "cmdline").replaceAll("\0", " ").trim() }));
}

function traces(pid: string): readonly string[] {
  return [readProc(pid, "cmdline"), readProc(pid, "environ"), workingFolder(pid)];
}

/** Empty where the process has ended meanwhile, or is another user's and so none of ours. */
function readProc(pid: string, file: string): string {
  return ifReadable(() => readFileSync(`/proc/${pid}/${file}`, "latin1"));
}

function workingFolder(pid: string): string {
  return ifReadable(() => readlinkSync(`/proc/${pid}/cwd`));
}

function ifReadable(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(errorCode(error) ?? "")) return "";
    throw error;
  }
}

/** SIGKILL. It may be gone by itself already. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}
