import { expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compiledBrigade } from "../support/compiled-brigade.ts";
import { until } from "../support/until.ts";

/*
 * What only the compiled binary can show: it needs nothing beside it, neither sources nor packages nor a home folder,
 * and its Workers start from inside of it.
 */

const COMPILE_MS = 60_000;
const START_MS = 20_000;

/** `brigade …` in an empty folder that is its only world, temporary files included. */
async function inEmptyFolder(): Promise<{
  readonly folder: string;
  run(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
  spawn(...args: string[]): Promise<Bun.Subprocess<"ignore", "pipe", "pipe">>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "brigade-test-"));
  await mkdir(join(folder, "tmp"));
  const binary = compiledBrigade();
  const spawn = async (...args: string[]) =>
    Bun.spawn([binary, ...args], {
      cwd: folder,
      env: { PATH: "/usr/bin:/bin", TMPDIR: join(folder, "tmp"), MESOS_USER: "root" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  return {
    folder,
    spawn,
    async run(...args) {
      const child = await spawn(...args);
      const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
      return { code: await child.exited, out, err };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** The text that a stream has given so far. */
function collected(stream: ReadableStream<Uint8Array>): { readonly text: () => string; readonly ended: Promise<void> } {
  let text = "";
  const read = async (): Promise<void> => {
    for await (const chunk of stream) text += Buffer.from(chunk).toString();
  };
  return { text: () => text, ended: read() };
}

test(
  "--version answers, and wrong usage exits 2",
  async () => {
    await using brigade = await inEmptyFolder();
    expect((await brigade.run("--version")).out).toMatch(/^brigade \d/);
    expect((await brigade.run("statsu")).code).toBe(2);
  },
  COMPILE_MS,
);

test(
  "brigade local says once that it is ready, serves its API, and leaves nothing behind after SIGTERM",
  async () => {
    await using brigade = await inEmptyFolder();
    await mkdir(join(brigade.folder, "processors"));
    const definition = { name: "copy", input: "from", output: "to", command: ["cat"] };
    await writeFile(join(brigade.folder, "processors", "copy.json"), JSON.stringify(definition));
    const local = await brigade.spawn("local", "--kafka-port", "0", "--mesos-port", "0", "--api-port", "0");
    const out = collected(local.stdout);
    const err = collected(local.stderr);
    try {
      const ready = await until(() => /^brigade ready (.*)\n/m.exec(out.text()) ?? false, "it is ready", START_MS);
      const { api, kafka } = Object.fromEntries((ready[1] ?? "").split(" ").map((pair) => pair.split("=", 2)));
      expect(await (await fetch(`${api}/status`)).text()).toBe("OK");
      const status = await brigade.run("status", "--api", String(api));
      expect(status.out).toContain("copy  running");

      await writeFile(join(brigade.folder, "lines"), "one\ntwo\n");
      expect((await brigade.run("produce", "from", "lines", "--kafka", String(kafka))).code).toBe(0);
      const consumed = await brigade.run("consume", "to", "--from-beginning", "--count", "2", "--kafka", String(kafka));
      expect(consumed.out.split("\n").sort()).toEqual(["", "one", "two"]);

      local.kill("SIGTERM");
      expect(await local.exited).toBe(0);
      await Promise.all([out.ended, err.ended]);
      expect(out.text()).toBe(ready[0]);
      expect(await readdir(join(brigade.folder, "tmp"))).toEqual([]);
    } catch (error) {
      process.stderr.write(err.text());
      throw error;
    } finally {
      local.kill("SIGKILL");
    }
  },
  COMPILE_MS,
);
