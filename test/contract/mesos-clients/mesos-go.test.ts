import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import type { EmbeddedMesosOptions } from "../../../src/local/mesos/mesos.ts";
import { startTestMesos, type TestMesos } from "../../support/mesos/embedded.ts";

/*
 * mesos-go's example scheduler, which serves the example executor to the fetcher by HTTP, both as they are. (With
 * `-codec json` they do not understand a Mesos of 1.12, real or not: they know no master with QUOTA_V2.)
 */

/** As in scripts/install-mesos-go. */
const VERSION = "0.0.11";
const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), `brigade/mesos-go-${VERSION}`);
const missing = existsSync(join(cache, "complete")) ? undefined : "scripts/install-mesos-go has not built it";
const TIMEOUT_MS = 300_000;

function run(title: string, options: Partial<EmbeddedMesosOptions>, more: (mesos: TestMesos) => string[]): void {
  if (missing !== undefined) return test.skip(`${title} (skipped: ${missing})`, () => undefined);
  test(
    title,
    async () => {
      await using mesos = await startTestMesos(options);
      const said = await runScheduler(mesos, more(mesos));
      expect(said).toContain("mission accomplished");
      for (let task = 1; task <= 10; task++) {
        for (const state of ["TASK_RUNNING", "TASK_FINISHED"])
          expect(said).toContain(`Task ${task} is in state ${state}`);
      }
    },
    TIMEOUT_MS,
  );
}

/** What it wrote. Its way to end is to fail with "context canceled". */
async function runScheduler({ address }: TestMesos, more: readonly string[]): Promise<string> {
  const given = {
    url: `http://${address.host}:${address.port}/api/v1/scheduler`,
    executor: join(cache, "bin/example-executor"),
    "server.address": "127.0.0.1",
    "metrics.port": "0",
    user: userInfo().username,
    tasks: "10",
    cpu: "0.5",
    memory: "32",
  };
  const flags = Object.entries(given).flatMap(([name, value]) => [`-${name}`, value]);
  const command = [join(cache, "bin/example-scheduler"), "-verbose", ...flags, ...more];
  const env = { PATH: process.env["PATH"] };
  // One that waits for ever is no reason to go on for ever, and leaves nothing behind.
  const ended = { timeout: 240_000, killSignal: "SIGKILL" } as const;
  const scheduler = Bun.spawn(command, { stdout: "ignore", stderr: "pipe", env, ...ended });
  const said = await new Response(scheduler.stderr).text();
  await scheduler.exited;
  return said;
}

run("mesos-go's scheduler runs tasks in mesos-go's executor", {}, () => []);

run("mesos-go's scheduler proves who it is", { credentials: new Map([["gopher", "s3cret"]]) }, ({ workDir }) => {
  const file = join(workDir, "secret");
  writeFileSync(file, "s3cret");
  const who = ["-credentials.username", "gopher", "-credentials.passwordFile", file, "-principal", "gopher"];
  return ["-authmode", "basic", ...who];
});
