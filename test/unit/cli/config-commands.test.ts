import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { InputError, UsageError } from "../../../src/base/errors.ts";
import type { CliCommand, CliIo } from "../../../src/cli/command.ts";
import { configCommand } from "../../../src/cli/config.ts";
import { schemaCommand } from "../../../src/cli/schema.ts";
import { validateCommand } from "../../../src/cli/validate.ts";

const samples = join(import.meta.dir, "../config/samples");

async function run(
  command: CliCommand,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  const io: CliIo = {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    env,
    cwd: samples,
    isTerminal: false,
    signal: new AbortController().signal,
  };
  const code = await command.run(args, io);
  return { code, stdout, stderr };
}

async function failure(command: CliCommand, args: readonly string[]): Promise<unknown> {
  return run(command, args).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("brigade validate", () => {
  test("prints every mistake and exits 1", async () => {
    const { code, stdout } = await run(validateCommand, ["ten-mistakes.json"]);
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toBe("0 usable processors in 1 file, 10 errors, 0 warnings");
  });

  test("exits 0 for warnings alone", async () => {
    const { code, stdout } = await run(validateCommand, ["dev.json"]);
    expect(code).toBe(0);
    expect(stdout).toEndWith("1 usable processor in 1 file, 0 errors, 1 warning\n");
  });

  test("--json prints problems as data, and no environment", async () => {
    const { stdout } = await run(validateCommand, ["readme.json", "--json"]);
    const result = JSON.parse(stdout) as { processors: unknown[]; problems: unknown[] };
    expect(result.problems).toEqual([]);
    expect(result.processors).toEqual([{ name: "thumbs", version: expect.any(String) }]);
    expect(stdout).not.toContain("BAR");
  });

  test("refuses wrong arguments and missing files", async () => {
    expect(await failure(validateCommand, [])).toBeInstanceOf(UsageError);
    expect(await failure(validateCommand, ["a", "b"])).toBeInstanceOf(UsageError);
    expect(await failure(validateCommand, ["a", "--nope"])).toBeInstanceOf(UsageError);
    expect(await failure(validateCommand, ["missing"])).toBeInstanceOf(InputError);
  });
});

test("brigade schema prints a JSON Schema", async () => {
  const { code, stdout } = await run(schemaCommand, []);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toHaveProperty("$defs.processor.properties.max-output");
  expect(await failure(schemaCommand, ["x"])).toBeInstanceOf(UsageError);
});

describe("brigade config", () => {
  test("prints each setting with its origin, warnings apart", async () => {
    const { code, stdout, stderr } = await run(configCommand, ["--config", "brigade.properties"], {
      KAFKA_ADDRESS: "other:9092",
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^MESOS_MASTER = zk:\/\/mesosmaster:2181\/mesos +\(file\)$/m);
    expect(stdout).toMatch(/^KAFKA_ADDRESS = other:9092 +\(environment\)$/m);
    expect(stdout).toMatch(/^LOG_LEVEL = info +\(default\)$/m);
    expect(stderr).toContain("GROUP_ID is ignored");
  });

  test("hides secrets, in JSON too, and exits 1 for mistakes", async () => {
    const env = { MESOS_MASTER: "zk://u:hunter2@z:2181/m", MESOS_SECRET: "hunter2" };
    for (const args of [[], ["--json"]]) {
      const { code, stdout, stderr } = await run(configCommand, args, env);
      expect(code).toBe(1);
      expect(stdout + stderr).not.toContain("hunter2");
      expect(stdout + stderr).toContain("KAFKA_ADDRESS is missing");
    }
  });

  test("refuses a file that cannot be read", async () => {
    expect(await failure(configCommand, ["--config", "missing"])).toBeInstanceOf(InputError);
  });
});
