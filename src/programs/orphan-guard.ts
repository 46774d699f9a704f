import { STANDARD_PATH } from "./program-environment.ts";

/**
 * Reads until its input is closed, which the death of the other side does as well, and then kills every process that
 * has the mark in its environment. It has none itself: the mark is its argument.
 */
const SCRIPT = `
trap '' HUP INT TERM
while read -r _; do :; done
for environ in $(grep -lsF "$0" /proc/[0-9]*/environ); do
  pid=\${environ#/proc/}
  kill -KILL "\${pid%/environ}"
done
`;

/** The variable by which the programs of one executor process are known. */
export const ownerVariable = "BRIGADE_OWNER";

/**
 * Sees to it that no program outlives this process, also where that has no chance to kill them itself (SIGKILL, a
 * crash), and none that left its process group. Costs one idle shell.
 *
 * @param owner value of {@link ownerVariable} in the environment of all programs of this process, and of no others
 * @returns ends the guard's watch, and with it all that is left; so does the end of this process
 */
export function startOrphanGuard(owner: string): () => void {
  const guard = Bun.spawn(["/bin/sh", "-c", SCRIPT, `${ownerVariable}=${owner}`], {
    env: { PATH: STANDARD_PATH },
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
    // Out of reach of whoever ends the executor by its process group.
    detached: true,
  });
  // It must not keep the executor from ending.
  guard.unref();
  return () => void guard.stdin.end();
}
