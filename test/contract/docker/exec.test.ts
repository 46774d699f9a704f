import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DockerEngine } from "../../support/docker.ts";
import { eventually } from "../../support/e2e/eventually.ts";
import { HeldClock } from "../../support/held-clock.ts";
import { ContainerExecutor, containerRequest, type RunParts } from "./harness.ts";
import { programSuite, text } from "./program-suite.ts";

/*
 * Programs in containers that are kept, at a real Docker Engine.
 */

const engine = await DockerEngine.start();
const why = typeof engine === "string" ? ` [${engine}]` : "";
const docker = engine as DockerEngine;

afterAll(async () => {
  if (typeof engine !== "string") await engine[Symbol.asyncDispose]();
});

const request = (command: string | readonly string[] | null, { spec, ...parts }: RunParts = {}) =>
  containerRequest(command, { ...parts, spec: { isolation: "exec", ...spec } });

/** Of this machine and of a container. */
class SharedFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "brigade-shared-"));
  readonly volume = { hostPath: this.path, containerPath: "/shared", mode: "RW" } as const;

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Its id, as far as the container itself knows it. */
const WHERE = "cat /etc/hostname";

describe.skipIf(why !== "")(`a program in a container that is kept${why}`, () => {
  programSuite(docker, { isolation: "exec" });
});

describe.skipIf(why !== "")(`a container that is kept${why}`, () => {
  let executor: ContainerExecutor;
  beforeAll(() => {
    executor = new ContainerExecutor(docker, {}, { timeoutGraceMs: 30_000 });
  });
  afterAll(async () => {
    await executor[Symbol.asyncDispose]();
    await eventually("no container is left", async () => (await docker.containers()).length === 0);
  });

  /** Standard output of a run that must succeed. */
  async function output(...args: Parameters<typeof request>): Promise<string> {
    const { outcome, stdout } = await executor.run(request(...args));
    expect(outcome).toEqual({ type: "succeeded" });
    return text(stdout);
  }

  test("gets one message after the other, each with its own environment", async () => {
    const command = `${WHERE}; echo "$BRIGADE_OFFSET $BRIGADE_KEY"`;
    const [first, second] = [
      await output(command, { record: { offset: 7, key: Buffer.from("k") } }),
      await output(command, { record: { offset: 8 } }),
    ];
    const [where] = first.split("\n");
    expect(first).toBe(`${where}\n7 k\n`);
    expect(second).toBe(`${where}\n8 \n`);
  });

  test("has one message at a time: others at once have others", async () => {
    const places = await Promise.all(Array.from({ length: 3 }, () => output(`${WHERE}; sleep 0.5`)));
    expect(new Set(places).size).toBe(3);
  });

  test("is replaced after so many messages", async () => {
    const places: string[] = [];
    for (let count = 0; count < 5; count++) places.push(await output(WHERE, { spec: { maxUses: 2 } }));
    expect(new Set(places).size).toBe(3);
    expect(places[0]).toBe(places[1] as string);
    expect(places[2]).toBe(places[3] as string);
  });

  test("outlives programs that fail, and those that end when they are asked to", async () => {
    using folder = new SharedFolder();
    const clock = new HeldClock(1234);
    await using own = new ContainerExecutor(docker, { executor: "timely" }, { timeoutGraceMs: 30_000, clock });
    // One version, so that it is one container: what the program does is told by its input.
    const command = `${WHERE}; trap 'exit 9' TERM; eval "$(cat)"`;
    const spec = { timeoutMs: 1234, volumes: [folder.volume] };
    const run = (script: string) => own.run(request(command, { value: Buffer.from(script), spec }));
    const results = [await run("exit 1"), await run("kill -SEGV $$")];
    const endless = run("touch /shared/ready; while :; do sleep 0.05; done");
    await eventually("it waits for SIGTERM", () => existsSync(join(folder.path, "ready")));
    clock.release();
    results.push(await endless);
    expect(results.map(({ outcome }) => outcome)).toEqual([
      { type: "exited", code: 1 },
      { type: "signaled", signal: "SIGSEGV" },
      { type: "timed-out", afterMs: 1234 },
    ]);
    const last = await run("exit 0");
    for (const { stdout } of results) expect(text(stdout)).toBe(text(last.stdout));
  });

  test("keeps nothing running of a message: not even a child that holds its output open", async () => {
    const run = (script: string) => output(`eval "$(cat)"`, { value: Buffer.from(script) });
    expect(await run("sleep 1000 & sleep 1000 >/dev/null 2>&1 & echo done")).toBe("done\n");
    const names = "for stat in /proc/[0-9]*/stat; do read -r _ name state _ <$stat; [ $state = Z ] || echo $name; done";
    // The keeper and the shell that counts. The dead are the keeper's to bury, with the next message.
    // What was killed is dead a moment later.
    await eventually("no other process is left", async () => (await run(names)) === "(sh)\n(sh)\n");
  });

  test("in which a message has removed the program is replaced", async () => {
    const run = (script: string) =>
      executor.run(request(["sh", "-c", 'eval "$(cat)"'], { value: Buffer.from(script) }));
    const outcomes = [await run("rm /bin/sh"), await run("exit 0"), await run("exit 0")].map(({ outcome }) => outcome);
    expect(outcomes).toMatchObject([
      { type: "succeeded" },
      { type: "not-startable", reason: "program-not-found" },
      { type: "succeeded" },
    ]);
  });

  test("that dies between two messages costs neither anything", async () => {
    await using own = new ContainerExecutor(docker, { executor: "dies" });
    const first = await own.run(request(WHERE));
    await docker.request("DELETE", `/containers/${await theContainerOf("dies")}?force=1`);
    const second = await own.run(request(WHERE));
    expect(second.outcome).toEqual({ type: "succeeded" });
    expect(text(second.stdout)).not.toBe(text(first.stdout));
  });

  test("that is killed under a message has killed its program", async () => {
    await using own = new ContainerExecutor(docker, { executor: "killed" });
    const { end } = own.start(request("echo up; sleep 1000"));
    const id = await theContainerOf("killed");
    await eventually("the program runs", async () => {
      const { ExecIDs } = await inspect<{ ExecIDs: string[] | null }>(`/containers/${id}/json`);
      if (ExecIDs?.length !== 1) return false;
      return (await inspect<{ Pid: number }>(`/exec/${ExecIDs[0]}/json`)).Pid !== 0;
    });
    await docker.request("POST", `/containers/${id}/kill`);
    expect(await end).toMatchObject({ type: "ended", result: { outcome: { type: "signaled", signal: "SIGKILL" } } });
  });

  test("needs a shell in its image", async () => {
    await docker.makeImage("brigade-test-bare:1", [], ["bin/busybox"]);
    const { outcome } = await executor.run(request(["/bin/busybox", "cat"], { image: "brigade-test-bare:1" }));
    expect(outcome).toMatchObject({ type: "not-startable", reason: "program-not-found" });
    expect(JSON.stringify(outcome)).toContain('isolation \\"exec\\" needs /bin/sh');
  });

  async function inspect<T>(path: string): Promise<T> {
    return (await (await docker.request("GET", path)).json()) as T;
  }

  async function theContainerOf(owner: string): Promise<string> {
    const { Id } = await eventually("it has a container", async () =>
      (await docker.containers()).find(
        ({ Labels, State }) => Labels["io.brigade.executor"] === owner && State === "running",
      ),
    );
    return Id;
  }
});

describe.skipIf(why !== "")(`containers that are kept, and the end of their Engine${why}`, () => {
  test("its runs are lost, others find another container, and nothing is left", async () => {
    await using executor = new ContainerExecutor(docker);
    expect((await executor.run(request("cat"))).outcome).toEqual({ type: "succeeded" });
    const { end } = executor.start(request("trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done"));
    await eventually("it runs", async () => (await docker.containers()).length === 2);
    await docker.endDaemon("SIGKILL");
    expect(await end).toMatchObject({ type: "lost" });
    expect(await executor.start(request("cat")).end).toMatchObject({ type: "lost" });

    await docker.startDaemon();
    expect((await executor.run(request("cat"))).outcome).toEqual({ type: "succeeded" });
    executor.programs.startSweeping();
    await eventually("only one is kept", async () => (await docker.containers()).length === 1);
  }, 240_000);
});
