import { describe, expect, test } from "bun:test";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { createLogger, type LogEntry } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { decodeSchedulerCall } from "../../../src/mesos/codec.ts";
import type { HostPort } from "../../../src/mesos/host-port.ts";
import { HostListLocator, type MasterLocator } from "../../../src/mesos/master-locator.ts";
import type { SchedulerCall, SchedulerEvent } from "../../../src/mesos/scheduler-api.ts";
import { SchedulerConnection, type SchedulerConnectionOptions } from "../../../src/mesos/scheduler-connection.ts";
import type { SchedulerConnectionEvent } from "../../../src/mesos/scheduler-subscription.ts";
import type { AgentId, FrameworkId, OfferId, TaskId } from "../../../src/mesos/types.ts";
import { type FakeMaster, type ReceivedSubscribe, startFakeMaster } from "../../support/fake-master.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";

const frameworkId = "f-1" as FrameworkId;
const subscribed: SchedulerEvent = {
  type: "SUBSCRIBED",
  frameworkId,
  heartbeatIntervalMs: 15_000,
  masterInfo: undefined,
};
const frameworkInfo = { user: "root", name: "brigade" };
const accept: SchedulerCall = { type: "ACCEPT", offerIds: ["o" as OfferId], operations: [] };
const acknowledge = (n: number): Extract<SchedulerCall, { type: "ACKNOWLEDGE" }> => ({
  type: "ACKNOWLEDGE",
  agentId: "a" as AgentId,
  taskId: `t-${n}` as TaskId,
  uuid: new Uint8Array(16),
});

interface Scheduler extends Disposable {
  readonly connection: SchedulerConnection;
  readonly events: SchedulerConnectionEvent[];
  readonly log: LogEntry[];
  types(): string[];
}

function startScheduler(
  masters: readonly HostPort[],
  overrides: Partial<SchedulerConnectionOptions> & { clock?: Clock } = {},
): Scheduler {
  const events: SchedulerConnectionEvent[] = [];
  const log: LogEntry[] = [];
  const connection = new SchedulerConnection({
    masters: new HostListLocator(masters),
    subscribe: () => ({ type: "SUBSCRIBE", frameworkInfo }),
    clock: systemClock,
    random: seededRandom(1),
    log: createLogger({ sink: (entry) => log.push(entry), level: "debug" }),
    onEvent: (event) => events.push(event),
    backoff: { initialMs: 1, maxMs: 1 },
    ...overrides,
  });
  connection.start();
  return {
    connection,
    events,
    log,
    types: () => events.map((event) => (event.type === "event" ? event.event.type : event.type)),
    [Symbol.dispose]: () => connection.close(),
  };
}

/** Accepts the next SUBSCRIBE and waits until the scheduler knows. */
async function acceptNext(master: FakeMaster, scheduler: Scheduler, streamId = "s"): Promise<ReceivedSubscribe> {
  const count = scheduler.events.filter(({ type }) => type === "subscribed").length;
  const stream = await until(() => master.subscribes.find(({ isAnswered }) => !isAnswered), "SUBSCRIBE came");
  stream.accept(streamId);
  stream.send(subscribed);
  await until(
    () => scheduler.events.filter(({ type }) => type === "subscribed").length > count,
    "SUBSCRIBED was taken in",
  );
  return stream;
}

describe("subscribing", () => {
  test("gives its framework id back after a loss, in both places", async () => {
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint]);
    const stream = await acceptNext(master, scheduler);
    stream.cut();
    await until(() => master.subscribes[1], "it subscribed again");
    const { call, frameworkId: id } = decodeSchedulerCall(master.subscribes[1]!.request.body, "application/x-protobuf");
    expect({ call, id }).toEqual({
      call: { type: "SUBSCRIBE", frameworkInfo: { ...frameworkInfo, id: frameworkId } },
      id: frameworkId,
    });
    expect(scheduler.types()).toEqual(["subscribed", "disconnected"]);
  });

  test("follows a redirect with its credentials", async () => {
    await using leader = await startFakeMaster();
    await using other = await startFakeMaster();
    using scheduler = startScheduler([other.endpoint], { credentials: { principal: "p", secret: "s:x" } });
    const first = await until(() => other.subscribes[0], "SUBSCRIBE came");
    first.refuse({ status: 307, headers: { Location: `//127.0.0.1:${leader.endpoint.port}/master/api/v1/scheduler` } });
    await acceptNext(leader, scheduler);
    scheduler.connection.call({ type: "REVIVE" });
    const call = await until(() => leader.calls[0], "the call came");
    const authorization = `Basic ${Buffer.from("p:s:x").toString("base64")}`;
    expect(
      [first.request, leader.subscribes[0]!.request, call.request].map(({ headers }) => headers["authorization"]),
    ).toEqual([authorization, authorization, authorization]);
    expect(scheduler.types()).toEqual(["subscribed"]);
  });

  test("tries the masters in turn and says why it waits", async () => {
    const gone = await startFakeMaster();
    const { endpoint } = gone;
    await gone[Symbol.asyncDispose]();
    await using master = await startFakeMaster();
    using scheduler = startScheduler([endpoint, master.endpoint]);
    const first = await until(() => master.subscribes[0], "the second master was tried");
    first.refuse({ status: 503, text: "No leader elected" });
    await acceptNext(master, scheduler);
    const reasons = scheduler.events.flatMap((event) => (event.type === "disconnected" ? [String(event.error)] : []));
    expect(reasons[0]).toContain(`Cannot talk to 127.0.0.1:${endpoint.port}: the connection broke`);
    expect(reasons[1]).toContain("the answer is 503, No leader elected");
  });

  test("leaves a master for the one that comes to lead, while it lives, and takes its calls for unknown", async () => {
    await using former = await startFakeMaster();
    await using next = await startFakeMaster();
    const listeners = new Set<(leader: HostPort) => void>();
    let leader = former.endpoint;
    const masters: MasterLocator = {
      current: () => Promise.resolve(leader),
      failed: () => expect.unreachable("nobody is to blame"),
      redirected: () => undefined,
      onLeader: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      close: () => Promise.resolve(),
    };
    {
      using scheduler = startScheduler([former.endpoint], { masters });
      await acceptNext(former, scheduler);
      former.answer = () => undefined;
      scheduler.connection.call(accept);
      await until(() => former.calls[0], "the call came");
      leader = next.endpoint;
      for (const listener of listeners) listener(leader);
      await acceptNext(next, scheduler);
      expect(scheduler.types().toSorted()).toEqual(["call-unknown", "disconnected", "subscribed", "subscribed"]);
    }
    expect(listeners.size).toBe(0);
  });

  test("ends where it is refused", async () => {
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint]);
    (await until(() => master.subscribes[0], "SUBSCRIBE came")).refuse({ status: 401, text: "401 Unauthorized." });
    await until(() => scheduler.events.length > 0, "it ended");
    expect(scheduler.events).toMatchObject([{ type: "ended", reason: "refused" }]);
  });

  test("asks for the content type that it was given", async () => {
    await using master = await startFakeMaster("application/json");
    using scheduler = startScheduler([master.endpoint], { contentType: "application/json" });
    await acceptNext(master, scheduler);
    const { headers } = master.subscribes[0]!.request;
    expect([headers["content-type"], headers["accept"], headers["mesos-stream-id"]]).toEqual([
      "application/json",
      "application/json",
      undefined,
    ]);
  });
});

describe("a subscription", () => {
  test("passes over a message that it cannot read, and says so", async () => {
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint]);
    const stream = await acceptNext(master, scheduler);
    stream.sendRecord(Uint8Array.of(8, 4));
    stream.send({ type: "RESCIND", offerId: "o" as OfferId });
    await until(() => scheduler.types().includes("RESCIND"), "the next event came");
    expect(scheduler.types()).toEqual(["subscribed", "RESCIND"]);
    expect(scheduler.log.map(({ message }) => message)).toContain("event dropped");
  });

  test("ends with bytes that are no RecordIO", async () => {
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint]);
    const stream = await acceptNext(master, scheduler);
    stream.sendRaw("3\r\nxyz\r\n");
    await until(() => scheduler.types().includes("disconnected"), "it was lost");
    await acceptNext(master, scheduler);
  });

  test("is given up when the master falls silent", async () => {
    const clock = new ManualClock();
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint], { clock });
    const stream = await acceptNext(master, scheduler);
    clock.advance(70_000);
    stream.send({ type: "HEARTBEAT" });
    stream.send({ type: "RESCIND", offerId: "o" as OfferId });
    await until(() => scheduler.types().includes("RESCIND"), "the heartbeat was heard");
    clock.advance(74_999);
    expect(scheduler.types()).not.toContain("disconnected");
    clock.advance(1);
    expect(scheduler.types()).toContain("disconnected");
  });
});

describe("calls", () => {
  test("of one turn and of many keep their order on one connection", async () => {
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint]);
    await acceptNext(master, scheduler);
    const sent = Array.from({ length: 300 }, (_, n) => acknowledge(n));
    for (const [n, call] of sent.entries()) {
      scheduler.connection.call(call);
      if (n % 50 === 0) await Bun.sleep(0);
    }
    await scheduler.connection.drain();
    expect(master.calls.map(({ call }) => call)).toEqual(sent);
    expect(new Set(master.calls.map(({ connection }) => connection)).size).toBe(1);
    expect(master.calls.every(({ request }) => request.headers["mesos-stream-id"] === "s")).toBe(true);
  });

  test("without a subscription come back as unknown, in a later turn", async () => {
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint]);
    scheduler.connection.call(accept);
    expect(scheduler.events).toEqual([]);
    await until(() => scheduler.events.length > 0, "it came back");
    expect(scheduler.events).toEqual([{ type: "call-unknown", call: accept }]);
  });

  test("cut off after they were sent come back as unknown, each once, and the subscription is renewed", async () => {
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint]);
    await acceptNext(master, scheduler);
    master.answer = () => undefined;
    scheduler.connection.call(accept);
    scheduler.connection.call(acknowledge(1));
    const received = await until(() => master.calls[1], "both came");
    received.connection.resetAndDestroy();
    await until(() => scheduler.types().includes("disconnected"), "the loss was noticed");
    master.answer = () => ({ status: 202 });
    await acceptNext(master, scheduler, "s2");
    const unknown = scheduler.events.flatMap((event) => (event.type === "call-unknown" ? [event.call] : []));
    expect(unknown).toEqual([accept, acknowledge(1)]);
    scheduler.connection.call(acknowledge(2));
    await scheduler.connection.drain();
    expect(master.calls.slice(2).map(({ request }) => request.headers["mesos-stream-id"])).toEqual(["s2"]);
  });

  test("of a stream that breaks come back as unknown before the next subscription", async () => {
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint]);
    const stream = await acceptNext(master, scheduler);
    master.answer = () => undefined;
    scheduler.connection.call(accept);
    await until(() => master.calls[0], "the call came");
    stream.cut();
    await acceptNext(master, scheduler);
    expect(scheduler.types().toSorted()).toEqual(["call-unknown", "disconnected", "subscribed", "subscribed"]);
    expect(scheduler.types().at(-1)).toBe("subscribed");
  });

  test("go over a new connection when somebody cut the idle one", async () => {
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint]);
    await acceptNext(master, scheduler);
    scheduler.connection.call(acknowledge(1));
    await scheduler.connection.drain();
    const { connection } = master.calls[0]!;
    const closed = new Promise((resolve) => connection.once("close", resolve));
    connection.end();
    await closed;
    scheduler.connection.call(acknowledge(2));
    await until(() => master.calls[1], "the second call came");
    await scheduler.connection.drain();
    expect(scheduler.types()).toEqual(["subscribed"]);
  });

  test("that are refused come back with the reason", async () => {
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint]);
    await acceptNext(master, scheduler);
    master.answer = () => ({ status: 400, text: "Failed to validate scheduler::Call: Not a valid UUID" });
    scheduler.connection.call(acknowledge(1));
    const event = await until(() => scheduler.events.find(({ type }) => type === "call-rejected"), "it was rejected");
    expect(event).toMatchObject({ call: acknowledge(1), error: { status: 400, subscriptionLost: false } });
    expect(scheduler.connection.phase).toBe("subscribed");
  });

  test("made from within an event are sent", async () => {
    await using master = await startFakeMaster();
    const events: SchedulerConnectionEvent[] = [];
    const levels = new Set<string>();
    const connection: SchedulerConnection = new SchedulerConnection({
      masters: new HostListLocator([master.endpoint]),
      subscribe: () => ({ type: "SUBSCRIBE", frameworkInfo }),
      clock: systemClock,
      random: seededRandom(1),
      log: createLogger({ sink: ({ level }) => levels.add(level) }),
      onEvent: (event) => {
        events.push(event);
        if (event.type === "subscribed") connection.call({ type: "TEARDOWN" });
      },
    });
    connection.start();
    const stream = await until(() => master.subscribes[0], "SUBSCRIBE came");
    master.answer = () => undefined;
    stream.accept("s");
    stream.send(subscribed);
    await until(() => master.calls[0], "TEARDOWN came");
    stream.end();
    await until(() => events.length > 1, "it ended");
    expect(events).toMatchObject([{ type: "subscribed" }, { type: "ended", reason: "torn-down" }]);
    // It was asked for: nothing unusual.
    expect([...levels]).toEqual(["info"]);
  });
});

describe("closing", () => {
  test("disconnects, and nothing is heard afterwards", async () => {
    await using master = await startFakeMaster();
    using scheduler = startScheduler([master.endpoint]);
    const stream = await acceptNext(master, scheduler);
    master.answer = () => undefined;
    scheduler.connection.call(accept);
    scheduler.connection.close();
    scheduler.connection.close();
    await until(() => !stream.isOpen, "the master noticed");
    expect(scheduler.types()).toEqual(["subscribed"]);
    expect(master.subscribes.length).toBe(1);
  });

  test("by disposal waits until calls are answered", async () => {
    await using master = await startFakeMaster();
    const scheduler = startScheduler([master.endpoint]);
    await acceptNext(master, scheduler);
    scheduler.connection.call(acknowledge(1));
    await scheduler.connection[Symbol.asyncDispose]();
    expect(master.calls.length).toBe(1);
  });
});
