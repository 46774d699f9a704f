import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, ProgramsFixture, until } from "./fixture.ts";

/** Starts programs, one of which leaves its process group, and then waits. */
const owner = `
import { systemClock } from "${import.meta.dir}/../../../src/base/clock.ts";
import { startOrphanGuard, ownerVariable } from "${import.meta.dir}/../../../src/programs/orphan-guard.ts";
import { ProcessPrograms } from "${import.meta.dir}/../../../src/programs/process-program.ts";
import { requestOf } from "${import.meta.dir}/fixture.ts";

startOrphanGuard("test-owner-" + process.pid);
const programs = new ProcessPrograms({
  folder: process.cwd(),
  clock: systemClock,
  stderrLog: { write: () => undefined },
  env: { [ownerVariable]: "test-owner-" + process.pid },
});
programs.start("a", requestOf("setsid sleep 60 & echo $! > escaped; echo $$ > program; sleep 60"), () => undefined);
`;

test("no program outlives an executor that is killed, not even one that left its group", async () => {
  using fixture = new ProgramsFixture();
  const child = Bun.spawn([process.execPath, "-e", owner], {
    cwd: fixture.folder,
    stdout: "inherit",
    stderr: "inherit",
  });
  const files = ["escaped", "program"].map((name) => join(fixture.folder, name));
  await until(() => files.every((file) => existsSync(file) && readFileSync(file).byteLength > 1));
  const pids = files.map((file) => Number(readFileSync(file, "utf8")));
  expect(pids.map(isAlive)).toEqual([true, true]);

  child.kill("SIGKILL");
  for (const pid of pids) await until(() => !isAlive(pid));
});
