import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { BUSYBOX_IMAGE, DockerEngine } from "../../support/docker.ts";
import { eventually } from "../../support/e2e/eventually.ts";
import { ContainerExecutor, containerRequest } from "./harness.ts";
import { programSuite, text } from "./program-suite.ts";

/*
 * Containers at a real Docker Engine, which is started here.
 */

const engine = await DockerEngine.start();
const why = typeof engine === "string" ? ` [${engine}]` : "";
const docker = engine as DockerEngine;

afterAll(async () => {
  if (typeof engine !== "string") await engine[Symbol.asyncDispose]();
});

/** Removal follows the result. */
async function untilNoContainers(): Promise<void> {
  await eventually("no container is left", async () => (await docker.containers()).length === 0);
}

describe.skipIf(why !== "")(`a program in a container of its own${why}`, () => {
  programSuite(docker, { isolation: "container" });
});

describe.skipIf(why !== "")(`a run in a container${why}`, () => {
  let executor: ContainerExecutor;
  beforeAll(async () => {
    executor = new ContainerExecutor(docker);
    await docker.makeImage("brigade-test-path:1", ["ENV PATH=/opt/odd:/bin", 'CMD ["env"]']);
  });
  afterEach(untilNoContainers);
  afterAll(() => executor[Symbol.asyncDispose]());

  test("sees its record in its environment", async () => {
    const { stdout } = await executor.run(
      containerRequest('cat; echo "$BRIGADE_NULL $BRIGADE_OFFSET"', { value: null }),
    );
    expect(text(stdout)).toBe("1 42\n");
  });

  test("has the image's own PATH", async () => {
    const { stdout } = await executor.run(containerRequest(null, { image: "brigade-test-path:1" }));
    expect(text(stdout).split("\n")).toContain("PATH=/opt/odd:/bin");
  });

  test("is refused with less memory than the Engine takes", async () => {
    const { outcome } = await executor.run(containerRequest(["cat"], { spec: { memMb: 1 } }));
    expect(outcome).toMatchObject({ type: "not-startable", reason: "option-refused" });
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
    240_000,
  );
});
