import { errorCode } from "../../base/errors.ts";

/** Kills a whole process group at once; that it is gone already is fine. */
export function killGroup(leaderPid: number): void {
  try {
    process.kill(-leaderPid, "SIGKILL");
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}
