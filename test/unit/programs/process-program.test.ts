import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import { isAlive, ProgramsFixture, requestOf, until } from "./fixture.ts";

let fixture: ProgramsFixture;
beforeAll(() => {
  fixture = new ProgramsFixture();
});
afterAll(() => fixture[Symbol.dispose]());

describe("a program that does its work", () => {
  test("gets the value on stdin and gives stdout, byte for byte", async () => {
    const value = new Uint8Array(1_000_000).map((_, i) => (i * 7 + (i >> 8)) & 0xff);
    const result = await fixture.run(requestOf(["cat"], { record: { value }, spec: { maxOutputBytes: 1_000_000 } }));
    expect(result.outcome).toEqual({ type: "succeeded" });
    expect(Buffer.compare(result.stdout, value)).toBe(0);
    expect(result.specVersion).toBe("v1");
    expect(result.durationMs).toBeGreaterThan(0);
  });

  test.each([
    ["null", null],
    ["empty", new Uint8Array()],
  ])("sees an %s value as empty stdin", async (_what, value) => {
    const result = await fixture.run(requestOf("wc -c", { record: { value } }));
    expect(showUtf8(result.stdout).trim()).toBe("0");
  });

  test("runs under a shell where the command is a string", async () => {
    const result = await fixture.run(requestOf("tr a-z A-Z | rev"));
    expect(showUtf8(result.stdout).trim()).toBe("OLLEH");
  });

  test("gets an array as its arguments, unchanged", async () => {
    const result = await fixture.run(requestOf(["printf", "%s|", "a b", "$HOME", ""]));
    expect(showUtf8(result.stdout)).toBe("a b|$HOME||");
  });

  test("can open its input by name", async () => {
    const result = await fixture.run(requestOf("cat /dev/stdin"));
    expect(showUtf8(result.stdout)).toBe("hello");
  });

  test("gets its contract as environment and nothing of ours", async () => {
    process.env["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"] = "secret";
    try {
      const result = await fixture.run(requestOf("env", { spec: { env: [["MODE", "fast"]] } }));
      const env = showUtf8(result.stdout);
      expect(env).toContain("BRIGADE_RECORD_ID=in/2/42\n");
      expect(env).toContain("MODE=fast\n");
      expect(env).not.toContain("secret");
      expect(env).not.toContain("HOME=");
    } finally {
      delete process.env["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"];
    }
  });

  test("leaves no file and no descriptor behind", async () => {
    await fixture.run(requestOf(["cat"]));
    const before = readdirSync("/proc/self/fd").length;
    await Promise.all(Array.from({ length: 20 }, () => fixture.run(requestOf(["cat"]))));
    await until(() => readdirSync("/proc/self/fd").length <= before);
    expect(readdirSync(fixture.folder).filter((name) => name.startsWith(".stdin"))).toEqual([]);
  });
});

describe("a program that fails", () => {
  test("ends with its exit code, its stdout and the tail of its stderr", async () => {
    const result = await fixture.run(requestOf("echo partly; echo reason >&2; exit 3"));
    expect(result.outcome).toEqual({ type: "exited", code: 3 });
    expect(showUtf8(result.stdout)).toBe("partly\n");
    expect(showUtf8(result.stderrTail)).toBe("reason\n");
  });

  test("is told apart from one that was killed by a signal", async () => {
    expect((await fixture.run(requestOf("kill -SEGV $$"))).outcome).toEqual({ type: "signaled", signal: "SIGSEGV" });
  });

  test.each([[["no-such-program"]], [["/no/such/program"]]])("%p does not exist: not startable", async (command) => {
    const { outcome } = await fixture.run(requestOf(command));
    expect(outcome).toMatchObject({ type: "not-startable", reason: "program-not-found" });
  });

  test("is not startable where it cannot be executed", async () => {
    const { outcome } = await fixture.run(requestOf(["/etc/passwd"]));
    expect(outcome).toMatchObject({ type: "not-startable", reason: "program-not-found" });
  });

  test.each([
    ["a variable too long for Linux", requestOf(["cat"], { spec: { env: [["BIG", "x".repeat(200_000)]] } })],
    ["an argument with NUL", requestOf(["cat", "a\0b"])],
    ["an image", requestOf("cat", { spec: { isolation: "container" } })],
  ])("%s is a refused option", async (_what, request) => {
    expect((await fixture.run(request)).outcome).toMatchObject({ type: "not-startable", reason: "option-refused" });
  });

  test("may ignore its input", async () => {
    const value = new Uint8Array(1_000_000);
    const { outcome } = await fixture.run(requestOf("exec 0<&-; exit 0", { record: { value } }));
    expect(outcome).toEqual({ type: "succeeded" });
  });

  test("a folder that is gone is the machine's fault", async () => {
    const gone = new ProgramsFixture();
    gone[Symbol.dispose]();
    expect(await gone.start(requestOf(["cat"])).end).toMatchObject({ type: "lost" });
    expect(await gone.start(requestOf(["cat"], { record: { value: null } })).end).toMatchObject({ type: "lost" });
  });
});

describe("a program that goes too far", () => {
  test("prints 100 MB: it is killed, and memory grows by less than 64 MB", async () => {
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    const started = Array.from({ length: 4 }, () => fixture.run(requestOf("head -c 100000000 /dev/zero")));
    for (const result of await Promise.all(started)) {
      expect(result.outcome).toEqual({ type: "output-too-large", limitBytes: 900_000 });
      expect(result.stdout.byteLength).toBe(900_000);
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(64_000_000);
  });

  test("may print exactly as much as it is allowed", async () => {
    const { outcome, stdout } = await fixture.run(requestOf("head -c 900000 /dev/zero"));
    expect(outcome).toEqual({ type: "succeeded" });
    expect(stdout.byteLength).toBe(900_000);
  });

  test("prints 30 MB to stderr: the tail is kept, and the file in the sandbox is bounded", async () => {
    const command = "head -c 30000000 /dev/zero | tr '\\0' e >&2; printf end >&2; echo done";
    const result = await fixture.run(requestOf(command));
    expect(showUtf8(result.stdout)).toBe("done\n");
    expect(result.stderrTail.byteLength).toBe(8192);
    expect(showUtf8(result.stderrTail).endsWith("eend")).toBeTrue();
    const sizes = ["programs.stderr", "programs.stderr.1"].map((name) => Bun.file(join(fixture.folder, name)).size);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10_000_000);
  });

  test.each([
    ["obeys", "sleep 60"],
    ["ignores", "trap '' TERM; while :; do sleep 1; done"],
  ])("runs into its timeout and %s SIGTERM", async (_what, command) => {
    const { outcome } = await fixture.run(requestOf(command, { spec: { timeoutMs: 50 } }));
    expect(outcome).toEqual({ type: "timed-out", afterMs: 50 });
  });
});

describe("a program that is to end", () => {
  test("gets SIGTERM and may use its grace", async () => {
    const run = fixture.start(requestOf("trap 'echo bye; exit 0' TERM; echo up > up; while :; do sleep 0.01; done"));
    await until(() => Bun.file(join(fixture.folder, "up")).exists());
    run.handle.kill(60_000);
    const end = await run.end;
    expect(end).toMatchObject({ type: "ended", result: { outcome: { type: "killed" } } });
    expect(end.type === "ended" && showUtf8(end.result.stdout)).toBe("bye\n");
  });

  test("gets SIGKILL once its grace is over, with all that it started", async () => {
    const run = fixture.start(requestOf("trap '' TERM; sleep 60 & echo $! > child; while :; do sleep 0.01; done"));
    const child = join(fixture.folder, "child");
    await until(async () => (await Bun.file(child).exists()) && Bun.file(child).size > 1);
    run.handle.kill(20);
    expect(await run.end).toMatchObject({ type: "ended", result: { outcome: { type: "killed" } } });
    await until(() => !isAlive(Number(readFileSync(child, "utf8"))));
  });

  test("ends although a child of it holds stdout open, and takes the child with it", async () => {
    const result = await fixture.run(requestOf("sleep 60 & echo $!"));
    expect(result.outcome).toEqual({ type: "succeeded" });
    await until(() => !isAlive(Number(showUtf8(result.stdout))));
  });

  test("waits for a child that still writes", async () => {
    using patient = new ProgramsFixture({ lingerMs: 60_000 });
    const result = await patient.run(requestOf("(sleep 0.1; echo late) & echo early"));
    expect(showUtf8(result.stdout)).toBe("early\nlate\n");
  });

  test("ends although a child that left the group holds stdout open", async () => {
    const result = await fixture.run(requestOf("setsid sleep 30 & echo $!"));
    expect(result.outcome).toEqual({ type: "succeeded" });
    process.kill(Number(showUtf8(result.stdout)), "SIGKILL");
  });

  test("all that runs is killed at once on request", async () => {
    const runs = Array.from({ length: 3 }, () => fixture.start(requestOf("sleep 60")));
    fixture.programs.killAll();
    for (const { end } of runs) {
      expect(await end).toMatchObject({ type: "ended", result: { outcome: { type: "killed" } } });
    }
  });
});

test("stderr of several runs is told apart in the sandbox's file", async () => {
  using own = new ProgramsFixture();
  await own.run(requestOf("echo one >&2"));
  await own.run(requestOf("echo two >&2"));
  expect(readFileSync(join(own.folder, "programs.stderr"))).toEqual(Buffer.from(utf8("==> run\none\ntwo\n")));
});
