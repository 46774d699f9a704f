import { expect, test } from "bun:test";
import type { HttpRequest } from "../../../src/local/mesos/http/request-parser.ts";
import { jsonTask, launch } from "../../support/mesos/embedded.ts";
import { VirtualMesos } from "../../support/mesos/virtual-mesos.ts";

type Event = Readonly<Record<string, unknown>> & { readonly type: string };

function post(path: string, body: object, headers: Readonly<Record<string, string>> = {}): HttpRequest {
  return {
    method: "POST",
    path,
    query: new URLSearchParams(),
    headers: new Map(Object.entries({ "content-type": "application/json", ...headers })),
    body: new TextEncoder().encode(JSON.stringify(body)),
    keepAlive: true,
  };
}

/** A scheduler or an executor: what it has received, and whether its stream was ended. */
function subscribe(
  mesos: VirtualMesos,
  path: string,
  body: object,
): { events: Event[]; ended: () => boolean; id: string } {
  const events: Event[] = [];
  let ended = false;
  const answer = mesos.handle(post(path, body));
  if (answer.type === "file") throw new Error("a file");
  if (answer.type !== "stream") throw new Error(`${answer.status} ${new TextDecoder().decode(answer.body)}`);
  answer.open({
    write: (chunk) => {
      const record = new TextDecoder().decode(chunk);
      events.push(JSON.parse(record.slice(record.indexOf("\n") + 1)) as Event);
    },
    end: () => {
      ended = true;
    },
  });
  return { events, ended: () => ended, id: answer.headers["Mesos-Stream-Id"] ?? "" };
}

const schedulerPath = "/api/v1/scheduler";
const executorPath = "/slave(1)/api/v1/executor";

/** A scheduler that has launched one task, whose executor has not subscribed. */
async function launched(
  mesos: VirtualMesos,
): Promise<{ events: Event[]; call: (type: string, part?: object) => void }> {
  const framework_info = { user: "root", name: "t", roles: ["*"], capabilities: [{ type: "MULTI_ROLE" }] };
  const { events, id } = subscribe(mesos, schedulerPath, { type: "SUBSCRIBE", subscribe: { framework_info } });
  await mesos.settle();
  const framework_id = { value: `${mesos.masterInfo.id}-0000` };
  const call = (type: string, part: object = {}): void => {
    mesos.handle(post(schedulerPath, { type, framework_id, ...part }, { "mesos-stream-id": id }));
  };
  const offer_ids = [{ value: `${mesos.masterInfo.id}-O0` }];
  call("ACCEPT", { accept: { offer_ids, operations: [launch(jsonTask("one", { value: mesos.agentId }))] } });
  return { events, call };
}

function subscribeExecutor(mesos: VirtualMesos): ReturnType<typeof subscribe> {
  const ids = { framework_id: { value: `${mesos.masterInfo.id}-0000` }, executor_id: { value: "worker" } };
  return subscribe(mesos, executorPath, { type: "SUBSCRIBE", ...ids, subscribe: {} });
}

function ends(events: readonly Event[]): unknown[] {
  return events
    .filter(({ type }) => type === "FAILURE" || type === "UPDATE")
    .map(({ failure, update }) => failure ?? update);
}

test("an executor that does not subscribe in time is killed, and its tasks fail", async () => {
  const mesos = new VirtualMesos({ executorRegistrationTimeoutMs: 5000 });
  const { events } = await launched(mesos);
  mesos.clock.advance(4999);
  expect(ends(events)).toEqual([]);
  mesos.clock.advance(1);
  await mesos.settle();
  expect(ends(events)).toMatchObject([
    { executor_id: { value: "worker" }, status: 9 },
    {
      status: {
        state: "TASK_FAILED",
        source: "SOURCE_AGENT",
        reason: "REASON_EXECUTOR_REGISTRATION_TIMEOUT",
        message: "Executor did not register within 5secs",
      },
    },
  ]);
});

test("an executor that ignores SHUTDOWN is killed when its grace period is over", async () => {
  const mesos = new VirtualMesos();
  const { events, call } = await launched(mesos);
  const executor = subscribeExecutor(mesos);
  expect(executor.events.map(({ type }) => type)).toEqual(["SUBSCRIBED", "LAUNCH"]);
  call("SHUTDOWN", { shutdown: { executor_id: { value: "worker" }, agent_id: { value: mesos.agentId } } });
  expect(executor.events.at(-1)?.type).toBe("SHUTDOWN");
  mesos.clock.advance(1999);
  expect(ends(events)).toEqual([]);
  mesos.clock.advance(1);
  await mesos.settle();
  expect(ends(events)).toMatchObject([{ status: 9 }, { status: { reason: "REASON_EXECUTOR_TERMINATED" } }]);
  expect(executor.ended()).toBe(true);
});

test("an executor whose only task was killed before it subscribed is told to leave", async () => {
  const mesos = new VirtualMesos();
  const { events, call } = await launched(mesos);
  call("KILL", { kill: { task_id: { value: "one" } } });
  expect(ends(events)).toMatchObject([
    { status: { state: "TASK_KILLED", reason: "REASON_TASK_KILLED_DURING_LAUNCH" } },
  ]);
  const executor = subscribeExecutor(mesos);
  expect(executor.events.map(({ type }) => type)).toEqual(["SHUTDOWN"]);
  expect(executor.ended()).toBe(false);
});

test("a task sent while the executor did not listen is dropped when it subscribes again without it", async () => {
  const mesos = new VirtualMesos();
  const { events } = await launched(mesos);
  subscribeExecutor(mesos);
  const again = subscribeExecutor(mesos);
  expect(ends(events)).toMatchObject([
    { status: { state: "TASK_LOST", reason: "REASON_AGENT_RESTARTED", message: "Task launched during agent restart" } },
  ]);
  expect(again.events.map(({ type }) => type)).toEqual(["SUBSCRIBED"]);
});
