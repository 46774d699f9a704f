import { readdirSync, readFileSync } from "node:fs";
import { errorCode } from "../../../base/errors.ts";
import type { ContainerProcess } from "../agent/agent-memory.ts";

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
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ESRCH") return undefined;
    throw error;
  }
  // The name in parentheses may hold blanks; behind it come the state and, as field 22 of all, the start time.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : fields[19];
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
