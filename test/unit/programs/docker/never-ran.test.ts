import { describe, expect, test } from "bun:test";
import { EngineRefusedError } from "../../../../src/programs/docker/errors.ts";
import {
  blamesProgram,
  NeverRanError,
  refusedStart,
  refuseTooLong,
} from "../../../../src/programs/docker/never-ran.ts";

/* As Docker 28 says it. */
const FAILED = "OCI runtime exec failed: exec failed: unable to";
/* As Docker 20.10 with runc 1.1 says it. */
const SHIM = "failed to create shim task: OCI runtime create failed:";

describe("a program that cannot be started", () => {
  test.each([
    ["nothing", `${FAILED} start container process: exec: "nothing": executable file not found in $PATH: unknown`],
    ["/x/y", `${FAILED} start container process: exec: "/x/y": stat /x/y: no such file or directory: unknown`],
    ["/etc/hostname", `${FAILED} start container process: exec: "/etc/hostname": permission denied: unknown`],
    ["/x/y", `${FAILED} start container process: exec: "/x/y": stat /x/y: not a directory: unknown`],
    ['a"b', `${FAILED} start container process: exec: "a\\"b": executable file not found in $PATH: unknown`],
    // Docker 18 with runc 1.0, and crun.
    ["nothing", String.raw`starting container process caused "exec: \"nothing\": executable file not found in $PATH"`],
    ["nothing", "executable file `nothing` not found in $PATH: No such file or directory"],
  ])("%s is blamed: %s", (program, words) => {
    expect(blamesProgram(words, program)).toBe(true);
  });

  test.each([
    `${FAILED} create new parent process: namespace path: lstat /proc/28510/ns/ipc: no such file or directory: unknown`,
    "cannot exec in a stopped container: unknown",
    `${SHIM} unable to retrieve OCI runtime error (open /x/log.json: no such file or directory): exec: "runc": executable file not found in $PATH: unknown`,
    `${SHIM} unable to retrieve OCI runtime error (open /x/log.json: no such file or directory): fork/exec /usr/bin/runc: no such file or directory: unknown`,
    "",
  ])("is not at fault for another file: %s", (words) => {
    for (const program of ["sh", "cat", "/bin/sh"]) expect(blamesProgram(words, program)).toBe(false);
  });
});

describe("a container that does not start", () => {
  const [NOT_FOUND, CANNOT_EXECUTE, OTHER] = [127, 126, 128];
  const outcomeOf = (status: number, reason: string, exitCode: number, isBeingRemoved = false) => {
    const refused = new EngineRefusedError("start a container", status, reason);
    const error = refusedStart(refused, { exitCode, isBeingRemoved, program: "cat" });
    if (error === refused) return "lost";
    return error instanceof NeverRanError && error.outcome.type === "not-startable" ? error.outcome.reason : error;
  };

  test.each([
    [400, `${SHIM} unable to start container process: exec: "cat": executable file not found in $PATH`, NOT_FOUND],
    [400, `${SHIM} unable to start container process: exec: "cat": permission denied`, CANNOT_EXECUTE],
  ])("for its program: %i %s", (status, reason, exitCode) => {
    expect(outcomeOf(status, reason, exitCode)).toBe("program-not-found");
  });

  test.each([
    [404, "network nowhere not found", OTHER],
    [409, "cannot join network of a non running container: abc", OTHER],
    [500, "unable to find user nobody: no matching entries in passwd file", OTHER],
    [400, `${SHIM} chdir to cwd ("/root") set in config.json failed: permission denied`, CANNOT_EXECUTE],
    [400, `${SHIM} error mounting "/a" to rootfs at "/bin": not a directory: unknown: Are you trying …`, NOT_FOUND],
    [
      400,
      `rootfs_linux.go:58: mounting "/a" caused "not a directory": Are you trying to mount a directory onto a file`,
      127,
    ],
    [400, `${SHIM} nvidia-container-cli: load library failed: libnvidia-ml.so.1: no such file or directory`, NOT_FOUND],
  ])("for an option: %i %s", (status, reason, exitCode) => {
    expect(outcomeOf(status, reason, exitCode)).toBe("option-refused");
  });

  test.each([
    [500, "write /var/lib/docker/x: no space left on device", OTHER],
    [
      400,
      `${SHIM} unable to apply cgroup configuration: openat2 /sys/fs/cgroup/x: no such file or directory`,
      NOT_FOUND,
    ],
    [400, `${SHIM} error during container init: open /proc/self/attr/apparmor/exec: permission denied`, CANNOT_EXECUTE],
    [400, "OCI runtime start failed: open /run/runc/x/exec.fifo: no such file or directory", NOT_FOUND],
    [400, `${SHIM} unable to retrieve OCI runtime error: fork/exec /usr/bin/runc: permission denied`, CANNOT_EXECUTE],
  ])("for the host is lost: %i %s", (status, reason, exitCode) => {
    expect(outcomeOf(status, reason, exitCode)).toBe("lost");
  });

  test("because somebody removes it is lost, whatever the Engine says", () => {
    expect(outcomeOf(409, "container is marked for removal and cannot be started", OTHER, true)).toBe("lost");
    expect(outcomeOf(400, 'exec: "cat": no such file or directory', NOT_FOUND, true)).toBe("lost");
  });
});

describe("what Linux does not pass to a program", () => {
  const refusal = (
    bytes: number,
    config: (text: string) => Parameters<typeof refuseTooLong>[0],
  ): string | undefined => {
    try {
      refuseTooLong(config("x".repeat(bytes)));
      return undefined;
    } catch (error) {
      if (!(error instanceof NeverRanError) || error.outcome.type !== "not-startable") throw error;
      return `${error.outcome.reason}: ${error.outcome.message}`;
    }
  };
  const must = "is too long, must be less than 131072 bytes";

  test("a variable is refused by its name, and its value is not shown", () => {
    const config = (text: string) => ({ Env: ["A=b", `SECRET=${text}`] });
    expect(refusal(131_071 - "SECRET=".length, config)).toBeUndefined();
    expect(refusal(131_072 - "SECRET=".length, config)).toBe(
      `option-refused: Cannot run the container: variable SECRET ${must}`,
    );
  });

  test("an argument is refused", () => {
    const config = (text: string) => ({ Env: [], Cmd: ["/bin/sh", "-c", text] });
    expect(refusal(131_071, config)).toBeUndefined();
    expect(refusal(131_072, config)).toBe(`option-refused: Cannot run the container: an argument ${must}`);
  });
});
