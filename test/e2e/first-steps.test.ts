import { expect } from "bun:test";
import { mkdir, rm, symlink } from "node:fs/promises";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";

endToEnd("without a folder of processors `brigade local` tells what to do next, and that works", async (world) => {
  await rm(world.processorDir, { recursive: true });
  await mkdir(world.path("bin"));
  await symlink(world.binary, world.path("bin", "brigade"));
  await using brigade = await startLocal(world);
  await brigade.process.says(/no processors yet; each is a JSON file in \S+\/processors/);
  expect(brigade.process.stderr).not.toContain('"level":"error"');

  const commands = [...brigade.process.stderr.matchAll(/^ {4}(\S.*)$/gm)].map(([, command = ""]) => command);
  const env = { ...world.env, PATH: `${world.path("bin")}:${world.env["PATH"]}` };
  const type = (command: string): string => {
    const { stdout, stderr, exitCode } = Bun.spawnSync(["sh", "-c", command], { cwd: world.folder, env });
    if (exitCode !== 0) throw new Error(`${command} failed: ${stderr.toString()}`);
    return stdout.toString();
  };
  const [makeFolder = "", define = "", status = "", produce = "", consume = "", ...others] = commands;
  expect(others).toEqual([]);
  type(makeFolder);
  type(define);
  await eventually("the processor runs", () => /^upper +running/m.test(type(status)));
  expect(type(produce)).toBe("1 record produced to in\n");
  expect(type(consume)).toBe("HELLO\n");
});

endToEnd("a folder of processors that was asked for and is not there is an error", async (world) => {
  await using brigade = await startLocal(world, { args: ["--processors", "elsewhere"] });
  await brigade.process.says(/"level":"error"/);
  expect(brigade.process.stderr).toContain("elsewhere: it does not exist");
  expect(brigade.process.stderr).not.toContain("no processors yet");
});
