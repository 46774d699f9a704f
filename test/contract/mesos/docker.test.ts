import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { BUSYBOX_IMAGE, DockerEngine, type ListedContainer } from "../../support/docker.ts";
import { eventually } from "../../support/e2e/eventually.ts";
import { jsonTask, launch, scalar, startTestMesos, type TestMesos } from "../../support/mesos/embedded.ts";
import { EngineFolder } from "../../support/mesos/engine-process.ts";
import { type JsonOffer, JsonScheduler, type JsonStatus } from "../../support/mesos/json-scheduler.ts";
import { readRecording } from "../../support/mesos-recordings.ts";

/*
 * Containers of the embedded Mesos' Docker containerizer, at a real Engine that is started here. What is expected is what
 * a real Mesos did (recordings 24 and 25); that its command lines are the same is a unit test.
 */

const engine = await DockerEngine.start();
const docker = engine as DockerEngine;
const skip = typeof engine === "string" ? engine : undefined;
const ECHO_IMAGE = "brigade-test-echo:1";

let mesos: TestMesos;
let scheduler: JsonScheduler;
beforeAll(async () => {
  if (skip !== undefined) return;
  await docker.makeImage(ECHO_IMAGE, ['ENTRYPOINT ["echo"]', 'CMD ["own"]']);
  mesos = await startTestMesos({
    agents: [{ cpus: 4, memMb: 2048 }],
    executorVariables: { DOCKER_HOST: docker.host },
  });
  scheduler = await JsonScheduler.subscribe(mesos.address, framework);
});
afterAll(async () => {
  if (skip !== undefined) return;
  await scheduler.call("TEARDOWN");
  await scheduler[Symbol.asyncDispose]();
  await mesos[Symbol.asyncDispose]();
  await untilNone();
  await docker[Symbol.asyncDispose]();
});

const framework = {
  user: userInfo().username,
  capabilities: [{ type: "MULTI_ROLE" }, { type: "PARTITION_AWARE" }, { type: "TASK_KILLING_STATE" }],
};

/** Those of the agent. */
async function containers(): Promise<readonly ListedContainer[]> {
  return (await docker.containers()).filter(({ Labels }) => "io.brigade.local.agent" in Labels);
}

const untilNone = (): Promise<unknown> =>
  eventually("no container is left", async () => (await containers()).length === 0);

/** Up to where the offers of a scheduler's events were used. */
const usedUpTo = new WeakMap<JsonScheduler, number>();

async function launchOn(by: JsonScheduler, make: (agentId: JsonOffer["agent_id"]) => object): Promise<void> {
  await by.call("REVIVE");
  const from = usedUpTo.get(by) ?? 0;
  await by.offers(from);
  const offers = by.events
    .slice(from)
    .flatMap((event) => (event as { offers?: { offers: readonly JsonOffer[] } }).offers?.offers ?? []);
  usedUpTo.set(by, by.events.length);
  const operations = [launch(make(offers[0]!.agent_id))];
  const accept = { offer_ids: offers.map(({ id }) => id), operations, filters: { refuse_seconds: 0 } };
  await by.call("ACCEPT", { accept });
}

function container(fields: object = {}, more: object = {}): object {
  return { type: "DOCKER", docker: { image: BUSYBOX_IMAGE, network: "NONE", ...fields }, ...more };
}

/** A task that is only a command. */
function commandTask(name: string, command: object, inside: object = container(), more: object = {}) {
  return (agentId: JsonOffer["agent_id"]): object => {
    const resources = [scalar("cpus", 0.1), scalar("mem", 32)];
    return { name, task_id: { value: name }, agent_id: agentId, resources, command, container: inside, ...more };
  };
}

async function states(by: JsonScheduler, taskId: string, ...wanted: string[]): Promise<JsonStatus> {
  let last: JsonStatus | undefined;
  for (const state of wanted) {
    last = await by.update(taskId, state);
    await by.acknowledge(last);
  }
  return last!;
}

function sandbox(workDir: string, frameworkId: string, executorId: string): string {
  const slaves = join(workDir, "agents", "1", "slaves");
  const [agentId = ""] = readdirSync(slaves);
  return join(slaves, agentId, "frameworks", frameworkId, "executors", executorId, "runs", "latest");
}

const output = (executorId: string, file = "stdout"): string =>
  readFileSync(join(sandbox(mesos.workDir, scheduler.frameworkId, executorId), file), "utf8");

const kill = (taskId: string, graceMs?: number): Promise<string> => {
  const policy = graceMs === undefined ? {} : { kill_policy: { grace_period: { nanoseconds: graceMs * 1e6 } } };
  return scheduler.call("KILL", { kill: { task_id: { value: taskId }, ...policy } });
};

describe.skipIf(skip !== undefined)(`a command in a container${skip === undefined ? "" : ` [${skip}]`}`, () => {
  test("runs with Mesos' variables, its volumes and its sandbox, and its output stands there", async () => {
    const environment = {
      variables: [
        { name: "FOO", value: "bar" },
        { name: "MESOS_SANDBOX", value: "mine" },
      ],
    };
    const volumes = [{ host_path: "below", container_path: "/rw", mode: "RW" }];
    const value = "env; echo err >&2; echo kept > /rw/file; echo sandbox > /mnt/mesos/sandbox/here; sleep 1";
    await launchOn(scheduler, commandTask("shell", { value, environment }, container({}, { volumes })));
    const running = await states(scheduler, "shell", "TASK_STARTING", "TASK_RUNNING");
    const [inspected] = JSON.parse(Buffer.from(running.data ?? "", "base64").toString()) as { Name: string }[];
    expect(inspected?.Name).toMatch(/^\/mesos-[0-9a-f-]{36}$/);
    expect(await states(scheduler, "shell", "TASK_FINISHED")).toMatchObject({
      source: "SOURCE_EXECUTOR",
      message: "Container exited with status 0",
    });
    const recorded = ["MESOS_ALLOCATION_ROLE=work", "MESOS_SANDBOX=/mnt/mesos/sandbox", "FOO=bar"];
    expect(output("shell").split("\n")).toEqual(
      expect.arrayContaining([...recorded, `MESOS_CONTAINER_NAME=${inspected?.Name.slice(1)}`]),
    );
    expect(output("shell")).not.toContain("MESOS_EXECUTOR_ID");
    expect(output("shell", "stderr")).toContain("err\n");
    expect([output("shell", "below/file"), output("shell", "here")]).toEqual(["kept\n", "sandbox\n"]);
  });

  test.each([
    ["value and arguments follow the image's entrypoint", { value: "VALUE", arguments: ["A", "B"] }, "VALUE A B\n"],
    ["arguments alone do, too", { arguments: ["A", "B"] }, "A B\n"],
    ["without any it is the image's own", {}, "own\n"],
  ])("without a shell: %s", async (name, command, printed) => {
    const id = name.replaceAll(/\W/g, "-");
    await launchOn(scheduler, commandTask(id, { shell: false, ...command }, container({ image: ECHO_IMAGE })));
    await states(scheduler, id, "TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED");
    expect(output(id)).toContain(printed);
  });

  test.each([
    ["fails", { value: "exit 7" }, 7],
    ["oom", { value: "exec head -c 200m /dev/zero | tail -c 100m > /dev/null; exit $?" }, 137],
  ])("that %s tells its exit code", async (name, command, code) => {
    await launchOn(scheduler, commandTask(name, command));
    expect(await states(scheduler, name, "TASK_STARTING", "TASK_RUNNING", "TASK_FAILED")).toMatchObject({
      message: `Container exited with status ${code}`,
    });
  });

  test("whose program the image lacks never runs, and its sandbox tells why", async () => {
    await launchOn(scheduler, commandTask("no-program", { shell: false, value: "/bin/nothing" }));
    expect(await states(scheduler, "no-program", "TASK_STARTING", "TASK_FAILED")).toMatchObject({
      message: "Container exited with status 127",
    });
    expect(output("no-program", "stderr")).toContain("/bin/nothing");
  });

  test("that could be none is refused in Mesos' words", async () => {
    const volumes = [{ host_path: "a", container_path: "b", mode: "RW" }];
    await launchOn(scheduler, commandTask("bad-volume", { value: "true" }, container({}, { volumes })));
    expect(await states(scheduler, "bad-volume", "TASK_STARTING", "TASK_FAILED")).toMatchObject({
      source: "SOURCE_EXECUTOR",
      message:
        "Failed to create docker run options: Both host_path 'a' and container_path 'b' of a volume are relative",
    });
  });

  test("whose image is missing fails by the agent's word", async () => {
    await launchOn(scheduler, commandTask("no-image", { value: "true" }, container({ image: "localhost:1/none:1" })));
    const failed = await states(scheduler, "no-image", "TASK_FAILED");
    expect(failed).toMatchObject({ source: "SOURCE_AGENT", reason: "REASON_CONTAINER_LAUNCH_FAILED" });
    expect(failed.message).toStartWith('Failed to launch container: Cannot run image "localhost:1/none:1"');
  });

  test("is killed by SIGTERM, and by SIGKILL after the grace period where it does not care", async () => {
    const value = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done";
    await launchOn(scheduler, commandTask("polite", { value }));
    await states(scheduler, "polite", "TASK_STARTING", "TASK_RUNNING");
    // The first process of a container does not get a signal that it has not asked for.
    await eventually("it waits for SIGTERM", () => output("polite").includes("ready\n"));
    await kill("polite");
    expect(await states(scheduler, "polite", "TASK_KILLING", "TASK_KILLED")).toMatchObject({
      message: "Container exited with status 5",
    });
    await launchOn(scheduler, commandTask("deaf", { value: "exec sleep 1000" }));
    await states(scheduler, "deaf", "TASK_STARTING", "TASK_RUNNING");
    await kill("deaf", 100);
    expect(await states(scheduler, "deaf", "TASK_KILLING", "TASK_KILLED")).toMatchObject({
      message: "Container exited with status 137",
    });
    await untilNone();
  });

  test("leaves no container where its executor is killed", async () => {
    await launchOn(scheduler, commandTask("orphan", { value: "exec sleep 1000" }));
    await states(scheduler, "orphan", "TASK_STARTING", "TASK_RUNNING");
    const [pid] = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isExecutorOf(name, "orphan"));
    process.kill(Number(pid), "SIGKILL");
    expect(await states(scheduler, "orphan", "TASK_FAILED")).toMatchObject({ source: "SOURCE_AGENT" });
    await untilNone();
  });
});

/** The process around a command. */
function isExecutorOf(pid: string, executorId: string): boolean {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
    return variables.includes(`MESOS_EXECUTOR_ID=${executorId}`);
  } catch {
    return false; // gone meanwhile
  }
}

/** What the test executor needs of the host to run in a container of busybox. */
const root = resolve(import.meta.dir, "../../..");
const hostFolders = [...new Set(["/lib", "/lib64", "/usr", root, dirname(process.execPath)])];

/** A task of the test executor, which runs in a container. */
function executorTask(taskId: string, executorId: string, order: object = {}, fields: object = {}) {
  const volumes = hostFolders.map((path) => ({ host_path: path, container_path: path, mode: "RO" }));
  return (agentId: JsonOffer["agent_id"]): object => {
    const task = jsonTask(taskId, agentId, { order, executorId }) as { executor: { command: { value: string } } };
    const inside = { type: "DOCKER", volumes, docker: { image: BUSYBOX_IMAGE, network: "HOST" } };
    // With room for Bun.
    const resources = [scalar("cpus", 0.1), scalar("mem", 256)];
    const command = { ...task.executor.command, value: `env; ${task.executor.command.value}` };
    return { ...task, executor: { ...task.executor, resources, command, container: inside, ...fields } };
  };
}

const shutDown = async (by: JsonScheduler, executorId: string): Promise<unknown> => {
  const [offer] = await by.offers();
  await by.call("SHUTDOWN", { shutdown: { executor_id: { value: executorId }, agent_id: offer!.agent_id } });
  return failureOf(by, executorId);
};

async function failureOf(by: JsonScheduler, executorId: string): Promise<unknown> {
  const fits = (event: object): boolean => JSON.stringify(event).includes(`"executor_id":{"value":"${executorId}"}`);
  return (await by.event("FAILURE", fits))["failure"];
}

describe.skipIf(skip !== undefined)(`an executor in a container${skip === undefined ? "" : ` [${skip}]`}`, () => {
  test("has a real agent's variables, runs tasks, and leaves with its container", async () => {
    await launchOn(scheduler, executorTask("one", "worker"));
    await states(scheduler, "one", "TASK_RUNNING", "TASK_FINISHED");
    await launchOn(scheduler, executorTask("two", "worker"));
    await states(scheduler, "two", "TASK_RUNNING", "TASK_FINISHED");
    await eventually("its output is there", () => output("worker").includes("launched two\n"));
    const names = output("worker").split("\n");
    const recording = readRecording("25-docker-executor").lines.find((line) => "env" in line);
    const { env } = recording as unknown as { env: Record<string, string> };
    for (const name of Object.keys(env)) expect(names.some((line) => line.startsWith(`${name}=`))).toBe(true);
    expect(names).toContain("MESOS_SANDBOX=/mnt/mesos/sandbox");
    expect(names).toContain("MESOS_HTTP_COMMAND_EXECUTOR=1");
    expect(await shutDown(scheduler, "worker")).toMatchObject({ status: -1 });
    await untilNone();
  });

  test("gets more memory with further tasks, and does not give it back", async () => {
    await launchOn(scheduler, executorTask("first", "grows", { forever: true }));
    await states(scheduler, "first", "TASK_RUNNING");
    const [{ Id } = { Id: "" }] = await containers();
    const limit = async (): Promise<number> => {
      const answer = await docker.request("GET", `/containers/${Id}/json`);
      return ((await answer.json()) as { HostConfig: { Memory: number } }).HostConfig.Memory / 1024 / 1024;
    };
    expect(await limit()).toBe(256 + 32);
    await launchOn(scheduler, executorTask("second", "grows"));
    await states(scheduler, "second", "TASK_RUNNING", "TASK_FINISHED");
    await eventually("it has the memory of both", async () => (await limit()) === 256 + 2 * 32);
    await shutDown(scheduler, "grows");
    await untilNone();
  });

  test("that is removed by somebody else fails its tasks", async () => {
    await launchOn(scheduler, executorTask("removed", "removed", { forever: true }));
    await states(scheduler, "removed", "TASK_RUNNING");
    const [{ Id } = { Id: "" }] = await containers();
    // Before an agent has looked at it, its end is another one.
    await eventually("it runs", () => output("removed").includes("launched removed"));
    await Promise.all([docker.request("DELETE", `/containers/${Id}?force=1`), failureOf(scheduler, "removed")]);
    const failed = await states(scheduler, "removed", "TASK_FAILED");
    expect(failed.source).toBe("SOURCE_AGENT");
    expect(["Container terminated", "Failed to launch container: Container exited with status 137"]).toContain(
      failed.message ?? "",
    );
  });

  test.each([
    ["exit 3", "Container exited with status 3"],
    ["exit 0", "Unable to get executor pid after launch"],
  ])("that does `%s` at once was never launched", async (value, message) => {
    const name = value.replace(" ", "-");
    await launchOn(scheduler, executorTask(name, name, {}, { command: { value, shell: true } }));
    expect(await states(scheduler, name, "TASK_FAILED")).toMatchObject({
      source: "SOURCE_AGENT",
      reason: "REASON_CONTAINER_LAUNCH_FAILED",
      message: `Failed to launch container: ${message}`,
    });
    await untilNone();
  });
});

describe.skipIf(skip !== undefined)(`checks of commands in containers${skip === undefined ? "" : ` [${skip}]`}`, () => {
  const often = { delay_seconds: 0, interval_seconds: 0.05 };

  test("a health check by COMMAND is made inside, and one that fails too often ends the task", async () => {
    // The first process of a container does not get a signal that it has not asked for.
    const untilReady = "until [ -e /mnt/mesos/sandbox/ready ]; do sleep 0.05; done";
    const command = { value: `${untilReady}; test "$INSIDE" = yes && test -e /mnt/mesos/sandbox/gone` };
    const variables = [{ name: "INSIDE", value: "yes" }];
    const health = { ...often, type: "COMMAND", command, grace_period_seconds: 0, consecutive_failures: 2 };
    const health_check = { ...health, timeout_seconds: 60 };
    const task = {
      value: "trap 'exit 7' TERM; touch /mnt/mesos/sandbox/ready; while :; do sleep 0.1; done",
      environment: { variables },
    };
    await launchOn(scheduler, commandTask("sick", task, container(), { health_check }));
    expect(await scheduler.end("sick")).toMatchObject({
      state: "TASK_KILLED",
      source: "SOURCE_EXECUTOR",
      message: "Container exited with status 7",
      healthy: false,
    });
    const told = scheduler.statuses("sick").map(({ state, healthy = null }) => [state, healthy]);
    expect(told).toEqual([
      ["TASK_STARTING", null],
      ["TASK_RUNNING", null],
      ["TASK_RUNNING", false],
      ["TASK_RUNNING", false],
      ["TASK_KILLING", null],
      ["TASK_KILLED", false],
    ]);
    await untilNone();
  });

  test("a health check by HTTP asks the host where the container has its network, and fails where it has none", async () => {
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("well") });
    const http = { port: server.port, path: "/" };
    const health_check = { ...often, type: "HTTP", http, grace_period_seconds: 0, consecutive_failures: 1 };
    const stop = { kill_policy: { grace_period: { nanoseconds: 1 } } };
    for (const [network, healthy] of [
      ["HOST", true],
      ["NONE", false],
    ] as const) {
      const inside = { type: "DOCKER", docker: { image: BUSYBOX_IMAGE, network } };
      const taskId = `asks ${network}`;
      const task = commandTask(taskId, { value: "exec sleep 1000" }, inside, { health_check, ...stop });
      await launchOn(scheduler, task);
      expect(await scheduler.follow(taskId, (each) => each.healthy !== undefined)).toMatchObject({ healthy });
      expect(await scheduler.kill(taskId)).toMatchObject({ state: "TASK_KILLED" });
    }
    await untilNone();
  });

  test("a task with a check ends with its executor, as at a real Mesos; its container goes with it", async () => {
    const check = { ...often, type: "COMMAND", command: { command: { value: "true" } } };
    await launchOn(scheduler, commandTask("check", { value: "sleep 1000" }, container(), { check }));
    expect(await scheduler.end("check")).toMatchObject({
      state: "TASK_FAILED",
      source: "SOURCE_AGENT",
      reason: "REASON_EXECUTOR_TERMINATED",
      message: "Container terminated",
    });
    await untilNone();
  });

  test("limits are the Engine's", async () => {
    const limits = { cpus: { value: 0.5 }, mem: { value: 64 } };
    await launchOn(scheduler, commandTask("limited", { value: "sleep 1000" }, container(), { limits }));
    const running = await scheduler.follow("limited", ({ state }) => state === "TASK_RUNNING");
    const [inspected] = JSON.parse(Buffer.from(running.data ?? "", "base64").toString()) as [{ HostConfig: object }];
    expect(inspected.HostConfig).toMatchObject({
      CpuShares: 102,
      CpuQuota: 50_000,
      Memory: 64 * 1024 * 1024,
      MemoryReservation: 32 * 1024 * 1024,
    });
    const policy = { kill_policy: { grace_period: { nanoseconds: 1 } } };
    await scheduler.call("KILL", { kill: { task_id: { value: "limited" }, ...policy } });
    expect(await scheduler.end("limited")).toMatchObject({ state: "TASK_KILLED" });
  });
});

describe.skipIf(skip !== undefined)(`an agent that restarts${skip === undefined ? "" : ` [${skip}]`}`, () => {
  const checkpointing = { ...framework, checkpoint: true, failover_timeout: 60 };

  test("knows no executor in a container again, removes it, and nobody else's container", async () => {
    await using folder = new EngineFolder();
    const env = { DOCKER_HOST: docker.host };
    const first = await folder.start(undefined, { env });
    await using before = await JsonScheduler.subscribe(first.address, checkpointing);
    await launchOn(before, executorTask("long", "long", { forever: true }));
    await states(before, "long", "TASK_RUNNING");
    // Before that it is no executor to the agent yet.
    const journal = join(folder.path, "agents/1/journal.ndjson");
    await eventually("its launch is complete", () => readFileSync(journal, "utf8").includes('"type":"process"'));
    const foreign = "mesos-11111111-2222-3333-4444-555555555555";
    const config = { Image: BUSYBOX_IMAGE, Cmd: ["sleep", "1000"], HostConfig: { NetworkMode: "none" } };
    const { Id } = (await docker.post(`/containers/create?name=${foreign}`, config)) as { Id: string };
    await docker.request("POST", `/containers/${Id}/start`);
    await first.kill();

    const second = await folder.start(first.address.port, { env });
    await using after = await JsonScheduler.subscribe(second.address, {
      ...checkpointing,
      id: { value: before.frameworkId },
    });
    expect(await after.end("long")).toMatchObject({
      state: "TASK_FAILED",
      source: "SOURCE_AGENT",
      reason: "REASON_EXECUTOR_TERMINATED",
      message: "Abnormal executor termination: unknown container",
    });
    await untilNone();
    const all = await docker.containers();
    expect(all.filter((one) => one.Id === Id).map(({ State }) => State)).toEqual(["running"]);
    await docker.request("DELETE", `/containers/${Id}?force=1`);
    await after.call("TEARDOWN");
  });

  test("finds a command in a container again, and how it ended meanwhile", async () => {
    await using folder = new EngineFolder();
    const env = { DOCKER_HOST: docker.host };
    const first = await folder.start(undefined, { env });
    await using before = await JsonScheduler.subscribe(first.address, checkpointing);
    const value = "while [ ! -e /mnt/mesos/sandbox/gate ]; do sleep 0.1; done; exit 4";
    await launchOn(before, commandTask("ends-away", { value }));
    await states(before, "ends-away", "TASK_STARTING", "TASK_RUNNING");
    await first.kill();
    await Bun.write(join(sandbox(folder.path, before.frameworkId, "ends-away"), "gate"), "");
    await untilNone();

    const second = await folder.start(first.address.port, { env });
    await using after = await JsonScheduler.subscribe(second.address, {
      ...checkpointing,
      id: { value: before.frameworkId },
    });
    expect(await after.end("ends-away")).toMatchObject({
      state: "TASK_FAILED",
      source: "SOURCE_EXECUTOR",
      message: "Container exited with status 4",
    });
    await after.call("TEARDOWN");
  });
});
