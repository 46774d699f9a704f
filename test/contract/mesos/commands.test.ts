import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { launch, scalar, startTestMesos, type TestMesos } from "../../support/mesos/embedded.ts";
import { type JsonOffer, JsonScheduler, type JsonStatus } from "../../support/mesos/json-scheduler.ts";
import { until } from "../../support/until.ts";

/*
 * Tasks that bring no executor: a command, or a group of them.
 */

let mesos: TestMesos;
let scheduler: JsonScheduler;
beforeAll(async () => {
  mesos = await startTestMesos({ agents: [{ cpus: 4, memMb: 2048, diskMb: 100 }] });
  scheduler = await JsonScheduler.subscribe(mesos.address, {
    user: userInfo().username,
    capabilities: [{ type: "MULTI_ROLE" }, { type: "PARTITION_AWARE" }, { type: "TASK_KILLING_STATE" }],
  });
});
afterAll(async () => {
  await scheduler.call("TEARDOWN");
  await scheduler[Symbol.asyncDispose]();
  await mesos[Symbol.asyncDispose]();
});

function task(taskId: string, agentId: JsonOffer["agent_id"], command: object, more: object = {}): object {
  const resources = [scalar("cpus", 0.1), scalar("mem", 32)];
  return { name: taskId, task_id: { value: taskId }, agent_id: agentId, resources, command, ...more };
}

let offersFrom = 0;
/** All that was offered since the last launch, once it is enough for whatever is launched here. */
async function offered(): Promise<{ readonly agentId: JsonOffer["agent_id"]; readonly ids: JsonOffer["id"][] }> {
  await scheduler.call("REVIVE");
  const all = (): JsonOffer[] =>
    scheduler.events
      .slice(offersFrom)
      .flatMap((event) => (event as { offers?: { offers: readonly JsonOffer[] } }).offers?.offers ?? []);
  const cpus = (): number =>
    all()
      .flatMap(({ resources }) => resources)
      .reduce((sum, { name, scalar }) => (name === "cpus" ? sum + (scalar?.value ?? 0) : sum), 0);
  const offers = await until(() => cpus() >= 1 && all(), "enough is offered");
  offersFrom = scheduler.events.length;
  return { agentId: offers[0]!.agent_id, ids: offers.map(({ id }) => id) };
}

async function accept(ids: readonly JsonOffer["id"][], operation: object): Promise<void> {
  const filters = { refuse_seconds: 0 };
  await scheduler.call("ACCEPT", { accept: { offer_ids: ids, operations: [operation], filters } });
}

async function run(taskId: string, command: object, more: object = {}): Promise<void> {
  const { agentId, ids } = await offered();
  await accept(ids, launch(task(taskId, agentId, command, more)));
}

/** Waits for each state in turn and acknowledges it. */
async function states(taskId: string, ...wanted: string[]): Promise<JsonStatus> {
  let last: JsonStatus | undefined;
  for (const state of wanted) {
    last = await scheduler.update(taskId, state);
    await scheduler.acknowledge(last);
  }
  return last!;
}

function sandbox(executorId: string): string {
  const slaves = join(mesos.workDir, "agents", "1", "slaves");
  const [agentId = ""] = readdirSync(slaves);
  return join(slaves, agentId, "frameworks", scheduler.frameworkId, "executors", executorId, "runs", "latest");
}

const output = (executorId: string): string => readFileSync(join(sandbox(executorId), "stdout"), "utf8");

describe("a command task", () => {
  test("starts, runs and finishes under an executor with its own id, and says what it printed", async () => {
    await run("hello", { value: 'echo "$GREETING from $MESOS_EXECUTOR_ID as $MESOS_ALLOCATION_ROLE"', environment });
    const finished = await states("hello", "TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED");
    expect(finished).toMatchObject({ source: "SOURCE_EXECUTOR", message: "Command exited with status 0" });
    expect(finished).toMatchObject({ executor_id: { value: "hello" } });
    expect(output("hello")).toContain("hi from hello as work\n");
    expect(scheduler.events.filter(({ type }) => type === "FAILURE")).toEqual([]);
  });
  const environment = { variables: [{ name: "GREETING", value: "hi" }] };

  test("takes argv as it is where it is not for a shell", async () => {
    await run("argv", { shell: false, value: "/bin/echo", arguments: ["echo", "$HOME", "a b"] });
    await states("argv", "TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED");
    expect(output("argv")).toContain("$HOME a b\n");
  });

  test("fails with its exit code, with 127 where the shell finds no program, with 1 where argv names none", async () => {
    await run("seven", { value: "exit 7" });
    expect(await states("seven", "TASK_STARTING", "TASK_RUNNING", "TASK_FAILED")).toMatchObject({
      message: "Command exited with status 7",
    });
    await run("lost", { value: "no-such-program" });
    expect(await states("lost", "TASK_STARTING", "TASK_RUNNING", "TASK_FAILED")).toMatchObject({
      message: "Command exited with status 127",
    });
    await run("none", { shell: false, value: "/no/such/program", arguments: ["x"] });
    expect(await states("none", "TASK_STARTING", "TASK_RUNNING", "TASK_FAILED")).toMatchObject({
      message: "Command exited with status 1",
    });
    await run("signalled", { value: "kill -SEGV $$" });
    expect(await states("signalled", "TASK_STARTING", "TASK_RUNNING", "TASK_FAILED")).toMatchObject({
      message: "Command terminated with signal Segmentation fault",
    });
  });

  test("without a value ends with its executor, by the agent's word", async () => {
    await run("empty", {});
    expect(await states("empty", "TASK_STARTING", "TASK_FAILED")).toMatchObject({
      source: "SOURCE_AGENT",
      reason: "REASON_EXECUTOR_TERMINATED",
      message: "Executor terminated",
    });
  });

  test("is killed by SIGTERM, and by SIGKILL after the grace period where it does not care", async () => {
    const kill = (taskId: string): Promise<string> => scheduler.call("KILL", { kill: { task_id: { value: taskId } } });
    await run("polite", { value: "exec sleep 1000" });
    await states("polite", "TASK_STARTING", "TASK_RUNNING");
    await kill("polite");
    expect(await states("polite", "TASK_KILLING", "TASK_KILLED")).toMatchObject({
      message: "Command terminated with signal Terminated",
    });
    const policy = { kill_policy: { grace_period: { nanoseconds: 100_000_000 } } };
    await run("stubborn", { value: "trap '' TERM; touch ready; while :; do sleep 0.1; done" }, policy);
    await states("stubborn", "TASK_STARTING", "TASK_RUNNING");
    await until(() => existsSync(join(sandbox("stubborn"), "ready")), "the command ignores SIGTERM");
    await kill("stubborn");
    expect(await states("stubborn", "TASK_KILLING", "TASK_KILLED")).toMatchObject({
      message: "Command terminated with signal Killed",
    });
  });

  test("in an image that only Mesos' own containers could have fails by the agent's word", async () => {
    const image = { type: "DOCKER", docker: { name: "busybox" } };
    await run("image", { value: "true" }, { container: { type: "MESOS", mesos: { image } } });
    expect(await states("image", "TASK_FAILED")).toMatchObject({
      source: "SOURCE_AGENT",
      reason: "REASON_CONTAINER_LAUNCH_FAILED",
      message: "Failed to launch container: Unsupported container image type: DOCKER",
    });
  });

  test("is killed when it has had all its time", async () => {
    await run("slow", { value: "exec sleep 1000" }, { max_completion_time: { nanoseconds: 50_000_000 } });
    expect(await states("slow", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_FAILED")).toMatchObject({
      reason: "REASON_MAX_COMPLETION_TIME_REACHED",
    });
  });

  test.skipIf(userInfo().uid !== 0)(
    "runs as another user, and is dropped where there is none (needs root)",
    async () => {
      chmodSync(mesos.workDir, 0o755);
      await run("nobody", { value: "id -un; touch mine", user: "nobody" });
      await states("nobody", "TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED");
      expect(output("nobody")).toContain("nobody\n");
      await run("stranger", { value: "true", user: "nobody-at-all" });
      const dropped = await states("stranger", "TASK_DROPPED");
      expect(dropped).toMatchObject({ source: "SOURCE_AGENT", reason: "REASON_EXECUTOR_TERMINATED" });
      expect(dropped.message).toStartWith("Failed to create executor directory '");
      expect(dropped.message).toEndWith("Failed to chown directory to 'nobody-at-all': No such user 'nobody-at-all'");
    },
  );
});

describe("the files of a command", () => {
  let folder = "";
  let files: ReturnType<typeof Bun.serve>;
  let fetched = 0;
  beforeAll(() => {
    folder = mkdtempSync(join(mesos.workDir, "files-"));
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "content"));
    writeFileSync(join(folder, "content", "inside.txt"), "from the archive\n");
    writeFileSync(join(folder, "script.sh"), "#!/bin/sh\necho script ran\n");
    spawnSync("tar", ["-C", join(folder, "content"), "-czf", join(folder, "pack.tar.gz"), "inside.txt"]);
    files = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch({ url }) {
        const { pathname } = new URL(url);
        if (pathname === "/moved") return Response.redirect("/pack.tar.gz");
        fetched++;
        const file = join(folder, pathname.slice(1));
        return existsSync(file) ? new Response(Bun.file(file)) : new Response("nothing", { status: 404 });
      },
    });
  });
  afterAll(() => files.stop(true));

  test("come by http and from the disk: unpacked, executable, or under another name", async () => {
    const uris = [
      { value: `${files.url.href}pack.tar.gz` },
      { value: `${files.url.href}moved`, output_file: "moved/kept.tar.gz", extract: false },
      { value: `file://${folder}/script.sh`, executable: true },
      { value: `${folder}/script.sh`, output_file: "sub/plain.sh" },
    ];
    await run("fetches", { value: "cat inside.txt; ./script.sh; test -x sub/plain.sh || echo plain; ls moved", uris });
    await states("fetches", "TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED");
    expect(output("fetches")).toContain("from the archive\nscript ran\nplain\nkept.tar.gz\n");
  });

  test("are fetched once for all where they may be cached", async () => {
    fetched = 0;
    const uris = [{ value: `${files.url.href}pack.tar.gz`, cache: true }];
    for (const taskId of ["cached-1", "cached-2"]) {
      await run(taskId, { value: "cat inside.txt", uris });
      await states(taskId, "TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED");
      expect(output(taskId)).toContain("from the archive\n");
    }
    expect(fetched).toBe(1);
  });

  test.each([
    ["missing on the disk", () => "/no/such/file", "ENOENT"],
    ["missing on the server", () => `${files.url.href}nothing`, "received HTTP status 404, must be 200"],
    ["of an unknown kind", () => "gopher://host/file", "must begin with http://"],
  ])("that are %s fail the launch, and the sandbox tells why", async (name, uri, reason) => {
    const taskId = `no-file ${name}`;
    await run(taskId, { value: "true", uris: [{ value: uri() }] });
    const failed = await states(taskId, "TASK_FAILED");
    expect(failed).toMatchObject({ source: "SOURCE_AGENT", reason: "REASON_CONTAINER_LAUNCH_FAILED" });
    expect(failed.message).toMatch(
      /^Failed to launch container: Failed to fetch all URIs for container '[0-9a-f-]{36}': exited with status 1$/,
    );
    expect(readFileSync(join(sandbox(taskId), "stderr"), "utf8")).toContain(reason);
  });

  test("never land outside of the sandbox", async () => {
    const uris = [{ value: `${folder}/script.sh`, output_file: "../../escaped" }];
    await run("escapes", { value: "true", uris });
    await states("escapes", "TASK_FAILED");
    expect(readFileSync(join(sandbox("escapes"), "stderr"), "utf8")).toContain("leaves the sandbox");
    rmSync(folder, { recursive: true });
  });
});

describe("a group of tasks", () => {
  const launchGroup = (executorId: string, tasks: readonly object[]): object => {
    const executor = {
      type: "DEFAULT",
      executor_id: { value: executorId },
      framework_id: { value: scheduler.frameworkId },
      resources: [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 1)],
    };
    return { type: "LAUNCH_GROUP", launch_group: { executor, task_group: { tasks } } };
  };

  async function runGroup(executorId: string, commands: Readonly<Record<string, string>>): Promise<void> {
    const { agentId, ids } = await offered();
    const tasks = Object.entries(commands).map(([taskId, value]) => task(taskId, agentId, { value }));
    await accept(ids, launchGroup(executorId, tasks));
  }

  test("runs beside one another in folders of their own, and the executor leaves in order", async () => {
    await runGroup("pair", { g1: "echo one", g2: "echo two" });
    await states("g1", "TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED");
    await states("g2", "TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED");
    expect(readFileSync(join(sandbox("pair"), "tasks", "g2", "stdout"), "utf8")).toBe("two\n");
    const failure = await scheduler.event("FAILURE");
    expect(failure["failure"]).toMatchObject({ executor_id: { value: "pair" }, status: 0 });
  });

  test("ends as a whole when one of them fails", async () => {
    await runGroup("trio", { h1: "exit 3", h2: "exec sleep 1000", h3: "exec sleep 1000" });
    expect(await states("h1", "TASK_STARTING", "TASK_RUNNING", "TASK_FAILED")).toMatchObject({
      message: "Command exited with status 3",
    });
    for (const taskId of ["h2", "h3"]) {
      expect(await states(taskId, "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_KILLED")).toMatchObject({
        message: "Command terminated with signal Terminated",
      });
    }
  });

  test("is refused as a whole where one of them is wrong", async () => {
    const { agentId, ids } = await offered();
    const tasks = [task("ok", agentId, { value: "true" }), task("a/b", agentId, { value: "true" })];
    await accept(ids, launchGroup("refused", tasks));
    for (const taskId of ["ok", "a/b"]) {
      expect(await scheduler.update(taskId, "TASK_ERROR")).toMatchObject({
        reason: "REASON_TASK_GROUP_INVALID",
        message: "Task 'a/b' is invalid: 'a/b' contains invalid characters",
      });
    }
  });
});
