import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { startTestMesos } from "../../support/mesos/embedded.ts";

/** As in scripts/install-mesos-framework. */
const VERSION = "0.5.3";
const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), `brigade/mesos-framework-${VERSION}`);
const missing =
  Bun.which("node") === null
    ? "node is not installed"
    : existsSync(join(cache, "complete"))
      ? undefined
      : "scripts/install-mesos-framework has not fetched it";

/** One that waits for ever is no reason to go on for ever, and leaves nothing behind. */
const ended = { timeout: 240_000, killSignal: "SIGKILL" } as const;

const title = "npm's mesos-framework schedules command tasks, and runs and ends one in its own executor";
if (missing !== undefined) test.skip(`${title} (skipped: ${missing})`, () => undefined);
else test(title, useScheduler, 300_000);

async function useScheduler(): Promise<void> {
  await using mesos = await startTestMesos({
    agents: [{ cpus: 4, memMb: 1024, ports: { begin: 31_000, end: 31_009 } }],
  });
  const { host, port } = mesos.address;
  const [script, executor] = ["scheduler", "executor"].map((name) =>
    join(import.meta.dir, `mesos-framework-${name}.cjs`),
  );
  const module = join(cache, "node_modules/mesos-framework");
  const command = ["node", "--no-deprecation", script!, module, host, `${port}`, executor!, mesos.workDir];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe", cwd: mesos.workDir, ...ended });
  const [output, problems, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`the scheduler ended with ${code}: ${problems} ${output}`);
  expect(JSON.parse(output.trim().split("\n").at(-1) ?? "")).toEqual({
    commands: 2,
    executor: ["TASK_RUNNING", "TASK_KILLED"],
    messages: ["foreign: you said ping"],
    errors: [],
  });
}
