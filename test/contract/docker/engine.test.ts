import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { BUSYBOX_IMAGE, DockerEngine } from "../../support/docker.ts";
import { eventually } from "../../support/e2e/eventually.ts";
import { ContainerExecutor, containerRequest } from "./harness.ts";

/*
 * Containers at a real Docker Engine, which is started here.
 */

const engine = await DockerEngine.start();
const why = typeof engine === "string" ? ` [${engine}]` : "";
const docker = engine as DockerEngine;

afterAll(async () => {
  if (typeof engine !== "string") await engine[Symbol.asyncDispose]();
});

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Removal follows the result. */
async function untilNoContainers(): Promise<void> {
  await eventually("no container is left", async () => (await docker.containers()).length === 0);
}

describe.skipIf(why !== "")(`a run in a container${why}`, () => {
  let executor: ContainerExecutor;
  beforeAll(async () => {
    executor = new ContainerExecutor(docker);
    await docker.makeImage("brigade-test-entry:1", ['ENTRYPOINT ["/bin/echo","entry"]', 'CMD ["own"]']);
    await docker.makeImage("brigade-test-path:1", ["ENV PATH=/opt/odd:/bin", 'CMD ["env"]']);
  });
  afterEach(untilNoContainers);
  afterAll(() => executor[Symbol.asyncDispose]());

  test("reads the record's value and writes the output, byte for byte", async () => {
    const value = crypto.getRandomValues(new Uint8Array(65_536));
    const large = Buffer.concat(Array.from({ length: 16 }, () => value));
    const { outcome, stdout } = await executor.run(
      containerRequest(["cat"], { value: large, spec: { maxOutputBytes: 2_000_000 } }),
    );
    expect(outcome).toEqual({ type: "succeeded" });
    expect(Buffer.compare(stdout, large)).toBe(0);
  });

  test("keeps standard output and standard error apart", async () => {
    const { outcome, stdout, stderrTail } = await executor.run(containerRequest("cat; echo oops >&2; exit 3"));
    expect(outcome).toEqual({ type: "exited", code: 3 });
    expect(text(stdout)).toBe("hello");
    expect(text(stderrTail)).toBe("oops\n");
  });

  test("a null value is empty input, and the environment says so", async () => {
    const { stdout } = await executor.run(
      containerRequest('cat; echo "$BRIGADE_NULL $BRIGADE_OFFSET"', { value: null }),
    );
    expect(text(stdout)).toBe("1 42\n");
  });

  test("has the image's own PATH, and env of the processor", async () => {
    const image = "brigade-test-path:1";
    const { stdout } = await executor.run(containerRequest(null, { image, spec: { env: [["COLOUR", "red"]] } }));
    const lines = text(stdout).split("\n");
    expect(lines).toContain("PATH=/opt/odd:/bin");
    expect(lines).toContain("COLOUR=red");
  });

  test("a command replaces the image's own, as arguments to its entrypoint", async () => {
    const image = "brigade-test-entry:1";
    expect(text((await executor.run(containerRequest(null, { image }))).stdout)).toBe("entry own\n");
    expect(text((await executor.run(containerRequest(["a b", "c"], { image }))).stdout)).toBe("entry a b c\n");
  });

  test("sees the volumes, read only where they are", async () => {
    const volumes = [{ hostPath: import.meta.dir, containerPath: "/here", mode: "RO" }] as const;
    const { outcome, stdout } = await executor.run(
      containerRequest("ls /here; echo x 2>/dev/null >/here/x", { spec: { volumes } }),
    );
    expect(text(stdout)).toContain("engine.test.ts\n");
    expect(outcome).toEqual({ type: "exited", code: 1 });
  });

  test("that dies by a signal says by which", async () => {
    const { outcome } = await executor.run(containerRequest("sh -c 'kill -SEGV $$'; exit $?"));
    expect(outcome).toEqual({ type: "signaled", signal: "SIGSEGV" });
  });

  test("that exceeds its memory is out of memory", async () => {
    const { outcome } = await executor.run(containerRequest("exec tail -c 200m /dev/zero", { spec: { memMb: 16 } }));
    expect(outcome).toEqual({ type: "out-of-memory" });
  });

  test("that sleeps for ever is ended by its timeout, also where it ignores SIGTERM", async () => {
    const { outcome } = await executor.run(
      containerRequest("trap '' TERM; while :; do sleep 1; done", { spec: { timeoutMs: 100 } }),
    );
    expect(outcome).toEqual({ type: "timed-out", afterMs: 100 });
  });

  test("that prints 100 MB is ended at its bound", async () => {
    const { outcome, stdout } = await executor.run(containerRequest("yes | head -c 100000000"));
    expect(outcome).toEqual({ type: "output-too-large", limitBytes: 900_000 });
    expect(stdout.byteLength).toBe(900_000);
  });

  test("that closes its input unread keeps its output", async () => {
    const value = new Uint8Array(3_000_000);
    const { outcome, stdout } = await executor.run(containerRequest("exec <&-; echo out", { value }));
    expect(outcome).toEqual({ type: "succeeded" });
    expect(text(stdout)).toBe("out\n");
  });

  test("that exits at once has run", async () => {
    const { outcome } = await executor.run(containerRequest(["false"], { value: new Uint8Array(3_000_000) }));
    expect(outcome).toEqual({ type: "exited", code: 1 });
  });

  test("that is killed is killed, with its grace", async () => {
    const command = "trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.05; done";
    const { handle, end } = executor.start(containerRequest(command));
    await eventually("it runs", async () => (await docker.containers()).some(({ State }) => State === "running"));
    handle.kill(30_000);
    expect(await end).toMatchObject({ type: "ended", result: { outcome: { type: "killed" } } });
  });

  test("that is killed before it started never starts", async () => {
    const { handle, end } = executor.start(containerRequest("echo started"));
    handle.kill(0);
    expect(await end).toMatchObject({ type: "ended", result: { outcome: { type: "killed" }, durationMs: 0 } });
  });

  test.each([
    ["image missing", "image-missing", containerRequest(["cat"], { image: "localhost:1/not/there:1" })],
    ["program missing", "program-not-found", containerRequest(["no-such-program"])],
    ["program not executable", "program-not-found", containerRequest(["/tmp"])],
    [
      "host path missing",
      "option-refused",
      containerRequest(["cat"], {
        spec: { volumes: [{ hostPath: "/no/such/path", containerPath: "/x", mode: "RW" }] },
      }),
    ],
    ["memory below the Engine's least", "option-refused", containerRequest(["cat"], { spec: { memMb: 1 } })],
  ])("%s: the processor is at fault", async (_what, reason, request) => {
    const { outcome } = await executor.run(request);
    expect(outcome).toMatchObject({ type: "not-startable", reason });
  });

  test("a forced pull that fails takes the image that is here", async () => {
    const { outcome } = await executor.run(containerRequest(["cat"], { container: { pull: "always" } }));
    expect(outcome).toEqual({ type: "succeeded" });
  });

  test("more CPUs than the machine has are no mistake", async () => {
    expect((await executor.run(containerRequest(["true"], { spec: { cpus: 64 } }))).outcome.type).toBe("succeeded");
  });
});

describe.skipIf(why !== "")(`what executors leave behind${why}`, () => {
  /** A container that runs, as an executor that died left it: its lock is not held. */
  async function abandoned(labels: Readonly<Record<string, string>>): Promise<void> {
    await docker.post("/containers/create", { Image: BUSYBOX_IMAGE, Cmd: ["true"], Labels: labels });
  }

  const labelsOf = (deployment: string, agent: string): Record<string, string> => ({
    "io.brigade.deployment": deployment,
    "io.brigade.agent": agent,
    "io.brigade.executor": "executor-1",
    "io.brigade.owner": "one-that-died",
    "io.brigade.lock": "/no/such/sandbox/containers.lock",
    "io.brigade.task": `left-${deployment}-${agent}`,
  });

  test("is removed by another executor of the same deployment and agent, and nobody else's is touched", async () => {
    await using live = new ContainerExecutor(docker, { executor: "live" });
    const { handle, end } = live.start(containerRequest(["sleep", "1000"]));
    const running = async (): Promise<boolean> =>
      (await docker.containers()).some(
        ({ State, Labels }) => State === "running" && Labels["io.brigade.executor"] === "live",
      );
    await eventually("it runs", running);
    await abandoned(labelsOf("test", "agent-1"));
    await abandoned(labelsOf("test", "agent-2"));
    await abandoned(labelsOf("other", "agent-1"));

    await using sweeper = new ContainerExecutor(docker, { executor: "sweeper" });
    sweeper.programs.startSweeping();
    const tasks = async (): Promise<(string | undefined)[]> =>
      (await docker.containers()).map(({ Labels }) => Labels["io.brigade.task"]);
    await eventually("it is swept", async () => !(await tasks()).includes("left-test-agent-1"));
    expect(await tasks()).toContain("left-test-agent-2");
    expect(await tasks()).toContain("left-other-agent-1");
    expect(await running()).toBe(true);

    handle.kill(0);
    expect(await end).toMatchObject({ type: "ended", result: { outcome: { type: "killed" } } });
    for (const { Id, Labels } of await docker.containers()) {
      if (Labels["io.brigade.owner"] === "one-that-died") await docker.request("DELETE", `/containers/${Id}`);
    }
    await untilNoContainers();
  });
});

describe.skipIf(why !== "")(`an Engine that ends${why}`, () => {
  test.each(["SIGKILL", "SIGTERM"] as const)(
    "by %s loses its runs, starts others once it is back, and is left clean",
    async (signal) => {
      await using executor = new ContainerExecutor(docker);
      // A daemon that ends in order signals its containers, and so does one that finds them when it is back.
      const { end } = executor.start(containerRequest("trap 'exit 3' TERM; while :; do sleep 0.05; done"));
      await eventually("it runs", async () => (await docker.containers()).some(({ State }) => State === "running"));
      await docker.endDaemon(signal);
      expect(await end).toMatchObject({ type: "lost" });
      expect(await executor.start(containerRequest(["cat"])).end).toMatchObject({ type: "lost" });

      await docker.startDaemon();
      expect((await executor.run(containerRequest(["cat"]))).outcome).toEqual({ type: "succeeded" });
      await untilNoContainers();
    },
    60_000,
  );
});
