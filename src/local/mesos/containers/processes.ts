import { readdirSync, readFileSync } from "node:fs";
import { errorCode } from "../../../base/errors.ts";
import type { ContainerProcess } from "./containerizer.ts";

/**
 * Kills a container's process group at once; that it is gone already is fine.
 *
 * An id is not given away again while it still names a group, so that only a leader with another start time means that
 * the group is a stranger's.
 */
export function killGroup({ pid, startTime }: ContainerProcess): void {
  if ((startTimeOf(pid) ?? startTime) !== startTime) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}

/**
 * When a process was started, in clock ticks since the machine was: with its id it names a process for ever.
 *
 * @returns undefined where there is no such process, where it is a zombie, or where there is no /proc to ask (not
 *   Linux: executors then do not survive a restart of the agent)
 */
export function startTimeOf(pid: number): string | undefined {
  const fields = statFields(pid);
  return fields === undefined || fields[0] === "Z" ? undefined : fields[19];
}

/** What the system tells of a process, from its state on, which is field 3 of all. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name in parentheses may hold blanks.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ESRCH") return undefined;
    throw error;
  }
}

export function isRunning({ pid, startTime }: ContainerProcess): boolean {
  return startTimeOf(pid) === startTime;
}

/**
 * Kills every process that has `variable` (`NAME=value`) in the environment that it was started with: what left the
 * process group of its container. Does nothing where there is no /proc to look in.
 */
export function killMarked(variable: string): void {
  if (process.platform !== "linux") return;
  const mark = Buffer.from(`${variable}\0`);
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      if (environmentOf(pid).includes(mark)) process.kill(pid, "SIGKILL");
    } catch (error) {
      // Gone meanwhile, or another user's.
      if (!["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(errorCode(error) ?? "")) throw error;
    }
  }
}

/** NAME=value, each with a zero behind it. */
function environmentOf(pid: number): Buffer {
  return readFileSync(`/proc/${pid}/environ`);
}

export interface Usage {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly rssBytes: number;
}

/** As every Linux has them: clock ticks in a second, bytes in a page. */
const TICKS = 100;
const PAGE_BYTES = 4096;

/** What the processes of a container's group use together; undefined where there is no /proc to look in. */
export function groupUsage({ pid }: ContainerProcess): Usage | undefined {
  if (process.platform !== "linux") return undefined;
  let [user, system, pages] = [0, 0, 0];
  for (const name of readdirSync("/proc")) {
    const fields = /^\d+$/.test(name) ? statFields(Number(name)) : undefined;
    // Behind the name: state, parent, group, … user and system time, … resident pages.
    if (fields?.[2] !== String(pid)) continue;
    user += Number(fields[11]);
    system += Number(fields[12]);
    pages += Number(fields[21]);
  }
  return { userSeconds: user / TICKS, systemSeconds: system / TICKS, rssBytes: pages * PAGE_BYTES };
}
