import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { type ContentType, decodeMessage, encodeMessage } from "../../../src/mesos/codec.ts";
import { launch, scalar, startTestMesos, type TestMesos } from "../../support/mesos/embedded.ts";
import { JsonScheduler } from "../../support/mesos/json-scheduler.ts";

/*
 * What master and agent show of themselves and of what runs there, to somebody who knows HTTP only.
 */

let mesos: TestMesos;
let scheduler: JsonScheduler;
let agent: string;
let sandbox: string;
const master = (): string => `http://${mesos.address.host}:${mesos.address.port}`;

beforeAll(async () => {
  mesos = await startTestMesos();
  scheduler = await JsonScheduler.subscribe(mesos.address, { name: "shown", user: userInfo().username });
  const [offer] = await scheduler.offers();
  const task = {
    name: "named",
    task_id: { value: "one" },
    agent_id: offer!.agent_id,
    resources: [scalar("cpus", 0.5), scalar("mem", 64)],
    command: { value: "echo said; exec sleep 1000" },
    labels: { labels: [{ key: "k", value: "v" }] },
  };
  await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations: [launch(task)] } });
  for (const state of ["TASK_STARTING", "TASK_RUNNING"])
    await scheduler.acknowledge(await scheduler.update("one", state));
  const { slaves } = (await (await fetch(`${master()}/slaves`)).json()) as { slaves: { pid: string; id: string }[] };
  agent = `http://${slaves[0]!.pid.split("@")[1]}`;
  const executor = join("frameworks", scheduler.frameworkId, "executors", "one", "runs", "latest");
  sandbox = join(mesos.workDir, "agents", "1", "slaves", slaves[0]!.id, executor);
  writeFileSync(join(sandbox, "said"), "said\n");
});
afterAll(async () => {
  await scheduler.call("TEARDOWN");
  await scheduler[Symbol.asyncDispose]();
  await mesos[Symbol.asyncDispose]();
});

interface Asked {
  readonly status: number;
  readonly type: string | null;
  readonly bytes: Uint8Array;
}

/** An operator's call, itself and its answer in the encodings that are given. */
async function ask(who: "master" | "agent", call: object, type: ContentType, accept: ContentType): Promise<Asked> {
  const name = `mesos.v1.${who}.Call`;
  const bytes = new TextEncoder().encode(JSON.stringify(call));
  const body =
    type === "application/json"
      ? bytes
      : encodeMessage(name, decodeMessage(name, bytes, "application/json"), type, "client");
  const headers = { "Content-Type": type, Accept: accept };
  const answer = await fetch(`${who === "master" ? master() : agent}/api/v1`, { method: "POST", headers, body });
  return {
    status: answer.status,
    type: answer.headers.get("content-type"),
    bytes: new Uint8Array(await answer.arrayBuffer()),
  };
}

const json = "application/json";
const protobuf = "application/x-protobuf";

/** The answer, once it was found to be the same in either encoding. */
async function told(who: "master" | "agent", call: { readonly type: string }): Promise<object> {
  const name = `mesos.v1.${who}.Response`;
  const inJson = await ask(who, call, json, json);
  const inProtobuf = await ask(who, call, protobuf, protobuf);
  expect([inJson.status, inJson.type]).toEqual([200, json]);
  expect([inProtobuf.status, inProtobuf.type]).toEqual([200, protobuf]);
  const decoded = decodeMessage(name, inJson.bytes, json);
  // Defaults and empty lists stand in JSON alone.
  expect(decoded).toMatchObject(decodeMessage(name, inProtobuf.bytes, protobuf));
  expect(decoded).toMatchObject({ type: call.type });
  return decoded;
}

describe("the operator's API of the master, in JSON and protobuf", () => {
  test("tells that it is well, and what it is", async () => {
    expect(await told("master", { type: "GET_HEALTH" })).toMatchObject({ getHealth: { healthy: true } });
    expect(await told("master", { type: "GET_VERSION" })).toMatchObject({
      getVersion: { versionInfo: { version: "1.12.0" } },
    });
  });

  const framework = (): object => ({ frameworkInfo: { name: "shown" }, active: true, connected: true });
  const task = { taskId: "one", name: "named", state: "TASK_RUNNING", labels: { labels: [{ key: "k", value: "v" }] } };

  test("tells its frameworks, agents and tasks, each alone and all in one", async () => {
    expect(await told("master", { type: "GET_FRAMEWORKS" })).toMatchObject({
      getFrameworks: { frameworks: [framework()] },
    });
    const agents = [{ active: true, agentInfo: { attributes: [{ name: "rack", text: { value: "r0" } }] } }];
    expect(await told("master", { type: "GET_AGENTS" })).toMatchObject({ getAgents: { agents } });
    expect(await told("master", { type: "GET_TASKS" })).toMatchObject({ getTasks: { tasks: [task] } });
    expect(await told("master", { type: "GET_STATE" })).toMatchObject({
      getState: {
        getAgents: { agents },
        getFrameworks: { frameworks: [framework()] },
        getTasks: { tasks: [task] },
      },
    });
  });

  test.each([
    "GET_MASTER",
    "GET_EXECUTORS",
    "GET_ROLES",
    "GET_FLAGS",
    "GET_LOGGING_LEVEL",
    "GET_OPERATIONS",
    "GET_QUOTA",
  ])("answers %s", async (type) => {
    await told("master", { type });
  });

  test.each(["SET_LOGGING_LEVEL", "SUBSCRIBE", "START_MAINTENANCE", "RESERVE_RESOURCES", "UPDATE_QUOTA"])(
    "says that there is no %s here",
    async (type) => {
      const { status, bytes } = await ask("master", { type }, json, json);
      expect(status).toBe(501);
      expect(new TextDecoder().decode(bytes)).toBe(`${type} is not supported by Brigade's embedded Mesos`);
    },
  );

  test("answers in the encoding that is asked for, whatever the call came in", async () => {
    const call = { type: "GET_HEALTH" };
    expect(await ask("master", call, json, protobuf)).toMatchObject({ status: 200, type: protobuf });
    expect(await ask("master", call, protobuf, json)).toMatchObject({ status: 200, type: json });
  });
});

describe("the operator's API of an agent, in JSON and protobuf", () => {
  test("tells what runs there", async () => {
    expect(await told("agent", { type: "GET_HEALTH" })).toMatchObject({ getHealth: { healthy: true } });
    const task = { taskId: "one", state: "TASK_RUNNING" };
    expect(await told("agent", { type: "GET_STATE" })).toMatchObject({
      getState: { getTasks: { launchedTasks: [task] }, getFrameworks: { frameworks: [{}] } },
    });
    // What it uses is another at every look.
    for (const type of [json, protobuf] as const) {
      const { bytes } = await ask("agent", { type: "GET_CONTAINERS" }, type, type);
      expect(decodeMessage("mesos.v1.agent.Response", bytes, type)).toMatchObject({
        getContainers: { containers: [{ executorId: "one" }] },
      });
    }
  });

  test("reads the files of sandboxes", async () => {
    const path = join(sandbox, "said");
    const files = await told("agent", { type: "LIST_FILES", list_files: { path: sandbox } } as { type: string });
    expect(files).toMatchObject({
      listFiles: { fileInfos: expect.arrayContaining([expect.objectContaining({ path })]) as object[] },
    });
    const read = { type: "READ_FILE", read_file: { path, offset: 1, length: 3 } } as { type: string };
    expect(await told("agent", read)).toMatchObject({ readFile: { size: 5, data: new TextEncoder().encode("aid") } });
  });
});

describe("the files of a sandbox", () => {
  const get = (what: string, path: string, more = ""): Promise<Response> =>
    fetch(`${agent}/files/${what}?path=${encodeURIComponent(path)}${more}`);

  test("can be listed, also by the path that tells only of framework and executor", async () => {
    const virtual = `/frameworks/${scheduler.frameworkId}/executors/one/runs/latest`;
    for (const path of [sandbox, virtual]) {
      const files = (await (await get("browse", path)).json()) as { path: string; mode: string; size: number }[];
      expect(files.find((file) => file.path === join(path, "said"))).toMatchObject({ mode: "-rw-r--r--", size: 5 });
    }
  });

  test("can be read in parts, and asked for their size", async () => {
    const path = join(sandbox, "said");
    expect(await (await get("read", path, "&offset=0")).json()).toEqual({ data: "said\n", offset: 0 });
    expect(await (await get("read", path, "&offset=2&length=2")).json()).toEqual({ data: "id", offset: 2 });
    expect(await (await get("read", path)).json()).toEqual({ data: "", offset: 5 });
    expect(await (await get("read", path, "&offset=99")).json()).toEqual({ data: "", offset: 99 });
    expect((await get("read", path, "&offset=x")).status).toBe(400);
  });

  test("can be downloaded, however large they are", async () => {
    const large = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31) % 251);
    writeFileSync(join(sandbox, "large file"), large);
    const answer = await get("download", join(sandbox, "large file"));
    expect(answer.headers.get("content-disposition")).toBe("attachment; filename=large_file");
    expect(Buffer.compare(new Uint8Array(await answer.arrayBuffer()), large)).toBe(0);
  });

  test("can not be what lies outside", async () => {
    symlinkSync("/etc", join(sandbox, "out"));
    for (const path of [join(sandbox, "out/passwd"), `${sandbox}/../../../../../../../../journal.ndjson`]) {
      const answer = await get("read", path, "&offset=0");
      expect([answer.status, await answer.text()]).toEqual([400, `'${path}' is inaccessible.\n`]);
    }
    expect((await get("read", "/etc/passwd", "&offset=0")).status).toBe(404);
    expect((await get("download", "/etc/passwd")).status).toBe(404);
  });

  test("do not hold the agent up where they are pipes, and are not there where they are not", async () => {
    spawnSync("mkfifo", [join(sandbox, "pipe")]);
    expect(await (await get("read", join(sandbox, "pipe"), "&offset=0")).json()).toEqual({ data: "", offset: 0 });
    expect(await (await get("download", join(sandbox, "pipe"))).text()).toBe("");
    for (const path of [join(sandbox, "nothing"), `${sandbox}/a\0b`, join(sandbox, "stdout/x")]) {
      expect((await get("read", path, "&offset=0")).status).toBe(404);
    }
    mkdirSync(join(sandbox, "folder"));
    expect((await get("read", join(sandbox, "folder"), "&offset=0")).status).toBe(400);
    expect((await fetch(`${agent}/files/read`)).status).toBe(400);
  });
});

describe("older paths", () => {
  test("lead to the master, tell its state, and that of the agent", async () => {
    const redirect = await fetch(`${master()}/redirect`, { redirect: "manual" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([307, `//${master().slice(7)}`]);
    expect(await (await fetch(`${master()}/state`)).json()).toMatchObject({
      frameworks: [{ name: "shown", tasks: [{ id: "one", state: "TASK_RUNNING" }] }],
    });
    expect(await (await fetch(`${agent}/state`)).json()).toMatchObject({
      frameworks: [{ executors: [{ id: "one", tasks: [{ id: "one", state: "TASK_RUNNING" }] }] }],
    });
    for (const host of [master(), agent]) expect((await fetch(`${host}/health`)).status).toBe(200);
    expect((await fetch(`${agent}/slave(1)/health`)).status).toBe(200);
  });
});
