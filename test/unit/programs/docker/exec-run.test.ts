import { expect, test } from "bun:test";
import { blamesTheProgram } from "../../../../src/programs/docker/exec-run.ts";

/* As Docker 28 said it. */
const FAILED = "OCI runtime exec failed: exec failed: unable to";

test.each([
  `${FAILED} start container process: exec: "nothing": executable file not found in $PATH: unknown`,
  `${FAILED} start container process: exec: "/x/nothing": stat /x/nothing: no such file or directory: unknown`,
  `${FAILED} start container process: exec: "/etc/hostname": permission denied: unknown`,
  `${FAILED} start container process: exec: "/etc/hostname/x": stat /etc/hostname/x: not a directory: unknown`,
])("a program that cannot be started is blamed: %s", (words) => {
  expect(blamesTheProgram(words)).toBe(true);
});

test.each([
  `${FAILED} create new parent process: namespace path: lstat /proc/28510/ns/ipc: no such file or directory: unknown`,
  "cannot exec in a stopped container: unknown",
  "",
])("of a container that is gone the program is not blamed: %s", (words) => {
  expect(blamesTheProgram(words)).toBe(false);
});
