import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunRequest, RunSpec } from "../../../src/engine/run-wire.ts";
import type { DockerEngine } from "../../support/docker.ts";
import { eventually } from "../../support/e2e/eventually.ts";
import { ContainerExecutor, containerRequest, type RunParts } from "./harness.ts";

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/**
 * What is so of every program in a container, however it gets there: the tests of one isolation.
 *
 * @param docker looked at only while tests run
 */
export function programSuite(
  docker: DockerEngine,
  isolation: Pick<RunSpec, "isolation"> & Partial<Pick<RunSpec, "warm">>,
): void {
  let executor: ContainerExecutor;
  beforeAll(() => {
    executor = new ContainerExecutor(docker);
  });
  afterAll(async () => {
    await executor[Symbol.asyncDispose]();
    await eventually("no container is left", async () => (await docker.containers()).length === 0);
  });

  const request = (command: string | readonly string[] | null, { spec, ...parts }: RunParts = {}): RunRequest =>
    containerRequest(command, { ...parts, spec: { ...isolation, ...spec } });

  test("reads the record's value and writes the output, byte for byte", async () => {
    const value = crypto.getRandomValues(new Uint8Array(65_536));
    const large = Buffer.concat(Array.from({ length: 16 }, () => value));
    const { outcome, stdout } = await executor.run(
      request(["cat"], { value: large, spec: { maxOutputBytes: 2_000_000 } }),
    );
    expect(outcome).toEqual({ type: "succeeded" });
    expect(Buffer.compare(stdout, large)).toBe(0);
  });

  test.each([
    ["null", null],
    ["empty", new Uint8Array()],
  ])("takes a value that is %s for empty input", async (_what, value) => {
    const { outcome, stdout } = await executor.run(request("cat; echo end", { value }));
    expect(outcome).toEqual({ type: "succeeded" });
    expect(text(stdout)).toBe("end\n");
  });

  test("keeps standard output and standard error apart", async () => {
    const { outcome, stdout, stderrTail } = await executor.run(request("cat; echo oops >&2; exit 3"));
    expect(outcome).toEqual({ type: "exited", code: 3 });
    expect(text(stdout)).toBe("hello");
    expect(text(stderrTail)).toBe("oops\n");
  });

  test("that dies by a signal says by which", async () => {
    const { outcome } = await executor.run(request("cat; sh -c 'kill -SEGV $$'; exit $?"));
    expect(outcome).toEqual({ type: "signaled", signal: "SIGSEGV" });
  });

  test("that exceeds its memory is out of memory", async () => {
    // An Engine hears of that by another way than of the end, and now and then too late: then it tells the SIGKILL alone.
    await eventually("the Engine has heard of it in time", async () => {
      const { outcome } = await executor.run(request("cat; exec tail -c 200m /dev/zero", { spec: { memMb: 16 } }));
      if (outcome.type === "out-of-memory") return true;
      expect(outcome).toEqual({ type: "signaled", signal: "SIGKILL" });
      return false;
    });
  });

  test("that sleeps for ever is ended by its timeout, also where it ignores SIGTERM", async () => {
    const { outcome } = await executor.run(
      request("trap '' TERM; cat; while :; do sleep 1; done", { spec: { timeoutMs: 100 } }),
    );
    expect(outcome).toEqual({ type: "timed-out", afterMs: 100 });
  });

  test("that prints too much while it is being ended is ended all the same, for the first reason", async () => {
    const command = "trap 'yes | head -c 2000000; exit 1' TERM; cat; while :; do sleep 0.05; done";
    await using own = new ContainerExecutor(docker, { executor: "patient" }, { timeoutGraceMs: 30_000 });
    const { outcome } = await own.run(request(command, { spec: { timeoutMs: 100 } }));
    expect(outcome).toEqual({ type: "timed-out", afterMs: 100 });
  });

  test("that prints 100 MB is ended at its bound", async () => {
    const { outcome, stdout } = await executor.run(request("cat; yes | head -c 100000000"));
    expect(outcome).toEqual({ type: "output-too-large", limitBytes: 900_000 });
    expect(stdout.byteLength).toBe(900_000);
  });

  test("that closes its input unread keeps its output", async () => {
    const value = new Uint8Array(3_000_000);
    for (let round = 0; round < 5; round++) {
      const { outcome, stdout } = await executor.run(request("exec <&-; head -c 100000 /dev/zero", { value }));
      expect(outcome).toEqual({ type: "succeeded" });
      expect(stdout.byteLength).toBe(100_000);
    }
  });

  test("that exits at once has run", async () => {
    const { outcome } = await executor.run(request(["false"], { value: new Uint8Array(3_000_000) }));
    expect(outcome).toEqual({ type: "exited", code: 1 });
  });

  test("that is killed is killed, with its grace", async () => {
    const folder = mkdtempSync(join(tmpdir(), "brigade-grace-"));
    const volumes = [{ hostPath: folder, containerPath: "/tell", mode: "RW" }] as const;
    const command = "trap 'echo bye; exit 4' TERM; cat; touch /tell/up; while :; do sleep 0.05; done";
    const { handle, end } = executor.start(request(command, { spec: { volumes } }));
    await eventually("it runs", () => existsSync(join(folder, "up")));
    handle.kill(30_000);
    const ended = await end;
    expect(ended).toMatchObject({ type: "ended", result: { outcome: { type: "killed" } } });
    expect(ended.type === "ended" && text(ended.result.stdout)).toBe("hellobye\n");
    rmSync(folder, { recursive: true });
  });

  test("that is killed at once is killed, whatever it waits for", async () => {
    const { handle, end } = executor.start(request("cat; echo started"));
    handle.kill(0);
    expect(await end).toMatchObject({ type: "ended", result: { outcome: { type: "killed" }, durationMs: 0 } });
  });

  test("that is missing is the processor's fault, and so is an image that is", async () => {
    const image = "localhost:1/not/there:1";
    const missing = await executor.run(request(["cat"], { image }));
    expect(missing.outcome).toMatchObject({ type: "not-startable", reason: "image-missing" });
    for (const program of ["no-such-program", "/tmp"]) {
      const { outcome } = await executor.run(request([program]));
      expect(outcome).toMatchObject({ type: "not-startable", reason: "program-not-found" });
    }
  });

  test("that Docker refuses for its options is the processor's fault", async () => {
    const volumes = [{ hostPath: "/no/such/path", containerPath: "/x", mode: "RW" }] as const;
    const { outcome } = await executor.run(request(["cat"], { spec: { volumes } }));
    expect(outcome).toMatchObject({ type: "not-startable", reason: "option-refused" });
  });

  test("that no Linux can start for its environment is the processor's fault", async () => {
    const env = (bytes: number) => ({ spec: { env: [["LONG", "x".repeat(bytes)]] as const, memMb: 128 } });
    expect((await executor.run(request(["cat"], env(131_000)))).outcome).toEqual({ type: "succeeded" });
    const { outcome } = await executor.run(request(["cat"], env(131_072)));
    expect(outcome).toMatchObject({ type: "not-startable", reason: "option-refused" });
  });

  test("of an image that cannot be pulled by force takes the one that is here", async () => {
    const { outcome } = await executor.run(request(["cat"], { container: { pull: "always" } }));
    expect(outcome).toEqual({ type: "succeeded" });
  });

  test("has the arguments, the environment and the volumes of its processor", async () => {
    const volumes = [{ hostPath: import.meta.dir, containerPath: "/here", mode: "RO" }] as const;
    const env = [["COLOUR", "red"]] as const;
    const image = "brigade-test-entry:1";
    await docker.makeImage(image, ['ENTRYPOINT ["/bin/sh","-c"]', 'CMD ["cat; echo own"]', "ENV SHAPE=round"]);
    expect(text((await executor.run(request(null, { image }))).stdout)).toBe("helloown\n");
    const script = 'cat; echo " $COLOUR $SHAPE"; ls /here; echo x 2>/dev/null >/here/x';
    const { outcome, stdout } = await executor.run(request([script], { image, spec: { env, volumes } }));
    expect(text(stdout)).toStartWith("hello red round\n");
    expect(text(stdout)).toContain("program-suite.ts\n");
    expect(outcome).toEqual({ type: "exited", code: 1 });
  });
}
