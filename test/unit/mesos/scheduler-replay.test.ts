import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { decodeSchedulerCall, decodeSchedulerEvent } from "../../../src/mesos/codec.ts";
import { formatHostPort } from "../../../src/mesos/host-port.ts";
import { HostListLocator } from "../../../src/mesos/master-locator.ts";
import type { SchedulerCall } from "../../../src/mesos/scheduler-api.ts";
import { SchedulerConnection } from "../../../src/mesos/scheduler-connection.ts";
import type { SchedulerConnectionEvent } from "../../../src/mesos/scheduler-subscription.ts";
import { type FakeMaster, startFakeMaster } from "../../support/fake-master.ts";
import {
  messageBytes,
  messageKind,
  type RecordedLine,
  type Recording,
  readRecording,
} from "../../support/mesos-recordings.ts";
import { until } from "../../support/until.ts";

/*
 * The master's side of recorded conversations, played to a real SchedulerConnection over a real socket. The calls of
 * the recorded scheduler are made where it made them, and must arrive as they were.
 */

interface RecordedSubscription {
  readonly request: RecordedLine;
  readonly head: RecordedLine;
  /** Text of a refusal. */
  readonly text: string;
  /** Events, closes, and calls that carry this subscription's stream id, in the order of time. */
  readonly items: readonly RecordedLine[];
}

function subscriptionsOf({ lines }: Recording): RecordedSubscription[] {
  return lines
    .filter((line) => messageKind(line) === "scheduler call" && line.conn.startsWith("sub-"))
    .flatMap((request) => {
      const own = lines.filter(({ conn }) => conn === request.conn);
      const head = own.find(({ kind }) => kind === "response-head");
      if (head === undefined) return [];
      const streamId = head.headers?.["Mesos-Stream-Id"];
      const items = lines.filter(
        ({ conn, kind, headers }) =>
          (conn === request.conn && (kind === "event" || kind === "close")) ||
          (kind === "request" && streamId !== undefined && headers?.["Mesos-Stream-Id"] === streamId),
      );
      const text = own.find(({ kind }) => kind === "response-body")?.body;
      return [{ request, head, text: typeof text === "string" ? text : "", items }];
    });
}

type Subscribe = Extract<SchedulerCall, { type: "SUBSCRIBE" }>;

/** Plays a recording; what the connections emitted, in short, stands beside what the recording lets expect. */
async function replay(recording: Recording): Promise<{ readonly emitted: unknown[]; readonly expected: unknown[] }> {
  const type = recording.contentType;
  const emitted: unknown[] = [];
  const expected: unknown[] = [];
  await using master = await startFakeMaster(type);
  const subscriptions = subscriptionsOf(recording);
  expect(subscriptions.length).toBeGreaterThan(0);

  let wanted: Subscribe | undefined;
  let connection: SchedulerConnection | undefined;
  const connect = (): SchedulerConnection => {
    const made = new SchedulerConnection({
      masters: new HostListLocator([master.endpoint]),
      subscribe: () => wanted!,
      contentType: type,
      clock: systemClock,
      random: seededRandom(1),
      log: silentLogger,
      onEvent: (event) => emitted.push(shortEvent(event)),
      backoff: { initialMs: 1, maxMs: 1 },
    });
    made.start();
    return made;
  };

  for (const [index, subscription] of subscriptions.entries()) {
    const { call } = decodeSchedulerCall(messageBytes(subscription.request), type);
    wanted = call as Subscribe;
    if (connection === undefined || connection.phase === "ended") connection = connect();
    await playOne(master, connection, subscription, index, { type, emitted, expected });
    if (subscription.items.some(({ kind, dir }) => kind === "close" && dir === ">")) {
      connection.close();
      connection = undefined;
    }
  }
  connection?.close();
  return { emitted, expected };
}

interface Play {
  readonly type: Recording["contentType"];
  readonly emitted: unknown[];
  readonly expected: unknown[];
}

async function playOne(
  master: FakeMaster,
  connection: SchedulerConnection,
  { request, head, text, items }: RecordedSubscription,
  index: number,
  { type, emitted, expected }: Play,
): Promise<void> {
  const stream = await until(() => master.subscribes[index], `SUBSCRIBE ${request.conn} came`);
  const status = head.status ?? 0;
  if (status !== 200) {
    const location = `//${formatHostPort(master.endpoint)}/master/api/v1/scheduler`;
    stream.refuse({ status, text, headers: status === 307 ? { Location: location } : {} });
    if (status !== 307) expected.push("ended refused");
    await until(() => emitted.length === expected.length, "the refusal was taken in");
    return;
  }
  expect(decodeSchedulerCall(stream.request.body, type)).toEqual(decodeSchedulerCall(messageBytes(request), type));
  stream.accept(head.headers?.["Mesos-Stream-Id"]);
  let over = false;
  for (const item of items) {
    if (over) break;
    if (item.kind === "event") {
      const event = decodeSchedulerEvent(messageBytes(item), type);
      if (event.type === "SUBSCRIBED") expected.push(`subscribed ${event.frameworkId}`);
      else if (event.type === "ERROR") {
        expected.push(`ended ${event.message === "Framework failed over" ? "failed-over" : "removed"}`);
        over = true;
      } else if (event.type !== "HEARTBEAT") expected.push(event);
      stream.sendRecord(messageBytes(item));
    } else if (item.kind === "close") {
      if (item.dir === ">") return;
      expected.push("disconnected");
      if (item.how === "last chunk") stream.end();
      else stream.cut();
      over = true;
    } else {
      over = await playCall(master, connection, item, { type, emitted, expected });
    }
    await until(() => emitted.length === expected.length, `${item.kind} at ${item.t} ms was taken in`);
  }
}

/** Makes a recorded call; its answer is the recorded one. True where the call ends the subscription. */
async function playCall(
  master: FakeMaster,
  connection: SchedulerConnection,
  item: RecordedLine,
  { type, expected }: Play,
): Promise<boolean> {
  const { call } = decodeSchedulerCall(messageBytes(item), type);
  const before = master.calls.length;
  connection.call(call as Exclude<SchedulerCall, { type: "SUBSCRIBE" }>);
  const received = await until(() => master.calls[before], `${call.type} came`);
  expect(received.call).toEqual(call);
  expect(received.request.headers["mesos-stream-id"] ?? "none").toBe(item.headers?.["Mesos-Stream-Id"] ?? "");
  if (call.type === "TEARDOWN") expected.push("ended removed");
  return call.type === "TEARDOWN";
}

function shortEvent(event: SchedulerConnectionEvent): unknown {
  switch (event.type) {
    case "event":
      return event.event;
    case "subscribed":
      return `subscribed ${event.frameworkId}`;
    case "ended":
      return `ended ${event.reason}`;
    case "disconnected":
    case "call-unknown":
    case "call-rejected":
      return event.type;
  }
}

const scenarios = [
  "01-subscribe",
  "02-command-task",
  "03-custom-executor",
  "05-kill",
  "06-reconcile",
  "08-resubscribe",
  "09-removed-framework",
  "16-message",
  "20-leader",
];
const names = scenarios.flatMap((name) => (name === "09-removed-framework" ? [name] : [name, `${name}-protobuf`]));

describe("a recorded master", () => {
  test.each(names)("%s is understood", async (name) => {
    const { emitted, expected } = await replay(readRecording(name));
    expect(emitted).toEqual(expected);
  });
});
