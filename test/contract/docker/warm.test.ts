import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DockerEngine, type ListedContainer } from "../../support/docker.ts";
import { eventually } from "../../support/e2e/eventually.ts";
import { ContainerExecutor, containerRequest, type RunParts } from "./harness.ts";
import { programSuite, text } from "./program-suite.ts";

/*
 * Programs that have started before their message comes, at a real Docker Engine.
 */

const engine = await DockerEngine.start();
const why = typeof engine === "string" ? ` [${engine}]` : "";
const docker = engine as DockerEngine;

afterAll(async () => {
  if (typeof engine !== "string") await engine[Symbol.asyncDispose]();
});

const request = (command: string | readonly string[] | null, { spec, ...parts }: RunParts = {}) =>
  containerRequest(command, { ...parts, spec: { warm: 2, ...spec } });

/** Waits for so many, all running, without the one that a run has told of. */
function untilRunning(count: number, used: string): Promise<readonly ListedContainer[]> {
  return eventually(`${count} containers run, and no other is there`, async () => {
    const all = await docker.containers();
    return all.length === count && all.every(({ State }) => State === "running") && !isIn(all, used) && all;
  });
}

/** Its id, as far as the container itself knows it, and then its input. */
const WHERE = "cat /etc/hostname; cat";

function isIn(containers: readonly ListedContainer[], where: string): boolean {
  return containers.some(({ Id }) => Id.startsWith(where.split("\n")[0] ?? "?"));
}

describe.skipIf(why !== "")(`a program that has started before its message${why}`, () => {
  programSuite(docker, { isolation: "container", warm: 1 });
});

describe.skipIf(why !== "")(`warm containers${why}`, () => {
  let executor: ContainerExecutor;
  beforeAll(() => {
    executor = new ContainerExecutor(docker);
  });
  afterAll(async () => {
    await executor[Symbol.asyncDispose]();
    await eventually("no container is left", async () => (await docker.containers()).length === 0);
  });

  test("wait for messages, get one each, and are replaced", async () => {
    const run = async (): Promise<string> => text((await executor.run(request(WHERE))).stdout);
    const used = await run();
    const first = await untilRunning(2, used);
    const where = await run();
    expect(where).toEndWith("\nhello");
    expect(isIn(first, where)).toBe(true);
    const second = await untilRunning(2, where);
    expect(isIn(second, await run())).toBe(true);
  });

  test("know their processor, and nothing of the message but its value", async () => {
    const env = [["COLOUR", "red"]] as const;
    const command = `cat; env | while read -r line; do case $line in BRIGADE_*|COLOUR=*) echo "$line";; esac; done`;
    const { stdout } = await executor.run(request(command, { spec: { env, warm: 1 } }));
    const lines = text(stdout)
      .split("\n")
      .filter((line) => !line.startsWith("BRIGADE_OWNER="));
    expect(lines.toSorted()).toEqual(["", "COLOUR=red", "helloBRIGADE_PROCESSOR=echo"]);
  });

  test("keep what a program prints before its message", async () => {
    const { stdout } = await executor.run(request("echo ready; cat", { spec: { warm: 1 } }));
    expect(text(stdout)).toBe("ready\nhello");
  });

  test("are no more than so many, however many messages come at once", async () => {
    await using own = new ContainerExecutor(docker, { executor: "own" });
    const most: number[] = [];
    const runs = Array.from({ length: 6 }, async () => {
      const result = await own.run(request(`${WHERE}; sleep 0.2`));
      const all = await docker.containers();
      // One that was used is still there while it is being removed.
      most.push(
        all.filter(({ State, Labels }) => State === "running" && Labels["io.brigade.executor"] === "own").length,
      );
      return result;
    });
    for (const { outcome } of await Promise.all(runs)) expect(outcome).toEqual({ type: "succeeded" });
    expect(Math.max(...most)).toBeLessThanOrEqual(2);
  });

  test("of another version take the place of the old ones", async () => {
    const where = async (command: string): Promise<string> => text((await executor.run(request(command))).stdout);
    const old = await untilRunning(2, await where(WHERE));
    const fresh = await eventually("two others run", async () => {
      const used = await where(`${WHERE}; echo two`);
      const now = await untilRunning(2, used);
      return now.every(({ Id }) => old.every((one) => one.Id !== Id)) && now;
    });
    expect(isIn(fresh, await where(`${WHERE}; echo two`))).toBe(true);
  });

  test("do without a shell in their image", async () => {
    // What this image can run is busybox itself.
    await docker.makeImage("brigade-test-bare:1", [], ["bin/busybox"]);
    const run = () => executor.run(request(["/bin/busybox", "cat"], { image: "brigade-test-bare:1" }));
    const used = await run();
    expect(used.outcome).toEqual({ type: "succeeded" });
    await eventually("two wait", async () => (await docker.containers()).length === 2);
    const { outcome, stdout, notice } = await run();
    expect({ outcome, output: text(stdout), notice }).toEqual({
      outcome: { type: "succeeded" },
      output: "hello",
      notice: undefined,
    });
  });

  test("are given up for a program that does not wait, and its messages go through fresh ones", async () => {
    const run = async () => {
      const { outcome, stdout, notice } = await executor.run(request("sleep 0.1; echo out"));
      return { outcome, output: text(stdout), notice };
    };
    const success = { outcome: { type: "succeeded" } as const, output: "out\n" };
    const notice = await eventually("they are given up", async () => {
      const { notice, ...rest } = await run();
      expect(rest).toEqual(success);
      return notice;
    });
    expect(notice).toEndWith("one that should have waited ended before its first: exit code 0");
    expect(await run()).toEqual({ ...success, notice });
    await eventually("none is left", async () => (await docker.containers()).length === 0);
  });

  test("that print more than a message may before it comes are given up as well", async () => {
    const spec = { maxOutputBytes: 1000 };
    const run = () => executor.run(request("head -c 2000 /dev/zero; cat", { spec }));
    await eventually("they are given up", async () => (await run()).notice !== undefined);
    expect((await run()).outcome).toEqual({ type: "output-too-large", limitBytes: 1000 });
  });

  test("whose Engine has ended are made anew when it is back", async () => {
    await untilRunning(2, text((await executor.run(request(WHERE))).stdout));
    await docker.endDaemon("SIGKILL");
    expect(await executor.start(request(WHERE)).end).toMatchObject({ type: "lost" });
    await docker.startDaemon();
    const { outcome, notice, stdout } = await executor.run(request(WHERE));
    expect({ outcome, notice }).toEqual({ outcome: { type: "succeeded" }, notice: undefined });
    await untilRunning(2, text(stdout));
  }, 240_000);
});
