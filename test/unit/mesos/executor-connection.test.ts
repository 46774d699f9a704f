import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { type ContentType, decodeExecutorCall, decodeExecutorEvent } from "../../../src/mesos/codec.ts";
import type { ExecutorCall, ExecutorEvent } from "../../../src/mesos/executor-api.ts";
import { ExecutorConnection, type ExecutorConnectionOptions } from "../../../src/mesos/executor-connection.ts";
import type { ExecutorConnectionEvent } from "../../../src/mesos/executor-subscription.ts";
import type { ExecutorId, FrameworkId, TaskId } from "../../../src/mesos/types.ts";
import { type ExecutorSubscribe, type FakeAgent, startFakeAgent } from "../../support/fake-agent.ts";
import {
  messageBytes,
  messageKind,
  type RecordedLine,
  readRecording,
  recordingNames,
} from "../../support/mesos-recordings.ts";
import { until } from "../../support/until.ts";

const executorId = "e" as ExecutorId;
const frameworkId = "f" as FrameworkId;
const subscribed: ExecutorEvent = {
  type: "SUBSCRIBED",
  executorInfo: { executorId },
  frameworkInfo: { user: "root", name: "brigade", failoverTimeout: 0, checkpoint: true },
  agentInfo: { hostname: "h", port: 5051 },
  containerId: undefined,
};
type Update = Extract<ExecutorCall, { type: "UPDATE" }>;
const update = (n: number): Update => ({
  type: "UPDATE",
  status: { taskId: `t-${n}` as TaskId, state: "TASK_RUNNING" },
});

interface Executor extends Disposable {
  readonly connection: ExecutorConnection;
  readonly events: ExecutorConnectionEvent[];
  types(): string[];
}

function startExecutor(
  agent: Pick<FakeAgent, "endpoint">,
  environment: Partial<ExecutorConnectionOptions["environment"]> = {},
  options: Partial<ExecutorConnectionOptions> = {},
): Executor {
  const events: ExecutorConnectionEvent[] = [];
  const connection = new ExecutorConnection({
    environment: {
      agent: agent.endpoint,
      apiPath: "/slave(1)/api/v1/executor",
      executorId,
      frameworkId,
      recoveryTimeoutMs: 60_000,
      subscriptionBackoffMaxMs: 2,
      authenticationToken: undefined,
      ...environment,
    },
    subscribe: () => ({ type: "SUBSCRIBE", unacknowledgedTasks: [], unacknowledgedUpdates: [] }),
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger,
    onEvent: (event) => events.push(event),
    ...options,
  });
  connection.start();
  return {
    connection,
    events,
    types: () => events.map((event) => (event.type === "event" ? event.event.type : event.type)),
    [Symbol.dispose]: () => connection.close(),
  };
}

async function acceptNext(agent: FakeAgent, executor: Executor, index: number): Promise<ExecutorSubscribe> {
  const stream = await until(() => agent.subscribes[index], "SUBSCRIBE came");
  const before = executor.events.length;
  stream.accept();
  stream.send(subscribed);
  await until(() => executor.types().includes("SUBSCRIBED", before), "SUBSCRIBED was taken in");
  return stream;
}

describe("an executor connection", () => {
  test("speaks to the agent's process with its token", async () => {
    await using agent = await startFakeAgent();
    using executor = startExecutor(agent, { authenticationToken: "jwt" });
    await acceptNext(agent, executor, 0);
    executor.connection.call(update(1));
    await executor.connection.drain();
    for (const { request, addressed } of [agent.subscribes[0]!, agent.calls[0]!]) {
      expect(request.path).toBe("/slave(1)/api/v1/executor");
      expect(request.headers["authorization"]).toBe("Bearer jwt");
      expect(addressed).toMatchObject({ executorId, frameworkId });
    }
    expect(executor.events).toEqual([{ type: "event", event: subscribed }]);
  });

  test("sends updates in order on one connection", async () => {
    await using agent = await startFakeAgent();
    using executor = startExecutor(agent);
    await acceptNext(agent, executor, 0);
    const sent = Array.from({ length: 200 }, (_, n) => update(n));
    for (const call of sent) executor.connection.call(call);
    await executor.connection.drain();
    expect(agent.calls.map(({ addressed }) => addressed.call)).toEqual(sent);
    expect(new Set(agent.calls.map(({ connection }) => connection)).size).toBe(1);
  });

  test("holds back what is called between SUBSCRIBE and its answer", async () => {
    await using agent = await startFakeAgent();
    using executor = startExecutor(agent);
    await until(() => agent.subscribes[0], "SUBSCRIBE came");
    executor.connection.call(update(1));
    executor.connection.call(update(2));
    await acceptNext(agent, executor, 0);
    await executor.connection.drain();
    expect(agent.calls.map(({ addressed }) => addressed.call)).toEqual([update(1), update(2)]);
  });

  test("subscribes anew with what is unacknowledged then, and drops what was called while the agent was away", async () => {
    await using agent = await startFakeAgent();
    const unacknowledged: Update["status"][] = [];
    using executor = startExecutor(
      agent,
      {},
      {
        subscribe: () => ({ type: "SUBSCRIBE", unacknowledgedTasks: [], unacknowledgedUpdates: [...unacknowledged] }),
        onEvent: (event) => {
          executor.events.push(event);
          if (event.type !== "disconnected") return;
          unacknowledged.push(update(1).status);
          executor.connection.call(update(1));
        },
      },
    );
    const stream = await acceptNext(agent, executor, 0);
    stream.cut();
    const second = await until(() => agent.subscribes[1], "it subscribed again");
    expect(second.addressed.call).toEqual({
      type: "SUBSCRIBE",
      unacknowledgedTasks: [],
      unacknowledgedUpdates: [update(1).status],
    });
    await acceptNext(agent, executor, 1);
    executor.connection.call(update(2));
    await executor.connection.drain();
    expect(agent.calls.map(({ addressed }) => addressed.call)).toEqual([update(2)]);
    expect(executor.types()).toEqual(["SUBSCRIBED", "disconnected", "SUBSCRIBED"]);
  });

  test("subscribes anew when an update fails", async () => {
    await using agent = await startFakeAgent();
    using executor = startExecutor(agent);
    await acceptNext(agent, executor, 0);
    agent.answer = ({ connection }) => {
      connection.resetAndDestroy();
      return undefined;
    };
    executor.connection.call(update(1));
    await until(() => agent.subscribes[1], "it subscribed again");
    agent.answer = () => [202, ""];
    await acceptNext(agent, executor, 1);
    expect(executor.types()).toEqual(["SUBSCRIBED", "disconnected", "SUBSCRIBED"]);
  });

  test("waits while the agent recovers", async () => {
    await using agent = await startFakeAgent();
    using executor = startExecutor(agent);
    for (let index = 0; index < 3; index++) {
      const stream = await until(() => agent.subscribes[index], "it tried");
      stream.refuse(index === 0 ? 404 : 503, "Agent has not finished recovery");
    }
    await acceptNext(agent, executor, 3);
    expect(executor.types()).toEqual(["disconnected", "SUBSCRIBED"]);
  });

  test("without checkpoint gives up when the agent goes", async () => {
    await using agent = await startFakeAgent();
    using executor = startExecutor(agent, { recoveryTimeoutMs: 0 });
    (await acceptNext(agent, executor, 0)).cut();
    await until(() => executor.types().includes("gave-up"), "it gave up");
    expect(executor.events.at(-1)).toMatchObject({ type: "gave-up", reason: "lost" });
    expect(agent.subscribes.length).toBe(1);
  });

  test("after SHUTDOWN delivers its last updates although the stream has ended", async () => {
    await using agent = await startFakeAgent();
    using executor = startExecutor(agent);
    const stream = await acceptNext(agent, executor, 0);
    stream.send({ type: "SHUTDOWN" });
    stream.end();
    await until(() => executor.types().includes("SHUTDOWN"), "SHUTDOWN came");
    executor.connection.call(update(1));
    await executor.connection.drain();
    expect(agent.calls.length).toBe(1);
    expect(executor.types()).toEqual(["SUBSCRIBED", "SHUTDOWN"]);
  });

  test("is silent once closed", async () => {
    await using agent = await startFakeAgent();
    using executor = startExecutor(agent);
    const stream = await acceptNext(agent, executor, 0);
    executor.connection.close();
    stream.send({ type: "HEARTBEAT" });
    executor.connection.call(update(1));
    await executor.connection.drain();
    expect(executor.types()).toEqual(["SUBSCRIBED"]);
  });
});

describe("a recorded agent", () => {
  const names = recordingNames().filter((name) => firstExecutor(name).length > 0);

  test.each(names)("%s is understood by its first executor", async (name) => {
    const { lines, contentType } = readRecording(name);
    const streams = firstExecutor(name);
    const items = lines.filter(({ conn, kind }) => kind === "event" && streams.some((stream) => stream.conn === conn));
    const { emitted, expected } = await replay(streams, items, contentType);
    expect(emitted).toEqual(expected);
  });

  function firstExecutor(name: string): readonly RecordedLine[] {
    return readRecording(name).lines.filter(({ conn, kind }) => kind === "request" && /^exec-1(-sub-\d+)?$/.test(conn));
  }
});

/** Plays the streams of one executor one after the other, as an agent that is restarted between them. */
async function replay(
  streams: readonly RecordedLine[],
  items: readonly RecordedLine[],
  contentType: ContentType,
): Promise<{ readonly emitted: ExecutorEvent[]; readonly expected: ExecutorEvent[] }> {
  await using agent = await startFakeAgent(contentType);
  const calls = streams.map((stream) => decodeExecutorCall(messageBytes(stream), contentType));
  let index = 0;
  using executor = startExecutor(
    agent,
    { executorId: calls[0]!.executorId, frameworkId: calls[0]!.frameworkId },
    { contentType, subscribe: () => calls[index]!.call as Extract<ExecutorCall, { type: "SUBSCRIBE" }> },
  );
  const expected: ExecutorEvent[] = [];
  for (const stream of streams) {
    expect(messageKind(stream)).toBe("executor call");
    const received = await until(() => agent.subscribes[index], "SUBSCRIBE came");
    expect(received.addressed).toEqual(calls[index]!);
    received.accept();
    for (const item of items.filter(({ conn }) => conn === stream.conn)) {
      expected.push(decodeExecutorEvent(messageBytes(item), contentType));
      received.sendRecord(messageBytes(item));
    }
    const count = expected.length;
    await until(() => executor.types().filter((type) => type !== "disconnected").length === count, "all events came");
    index = Math.min(index + 1, calls.length - 1);
    received.cut();
  }
  return { emitted: executor.events.flatMap((event) => (event.type === "event" ? [event.event] : [])), expected };
}
