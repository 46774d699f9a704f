import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import {
  type AddressedSchedulerCall,
  CodecError,
  type ContentType,
  decodeSchedulerCall,
  decodeSchedulerEvent,
  encodeSchedulerEvent,
} from "../../../src/mesos/codec.ts";
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
  recordingNames,
} from "../../support/mesos-recordings.ts";
import { until } from "../../support/until.ts";

/*
 * The master's side of recorded conversations, played to a real SchedulerConnection over a real socket, in the encoding
 * of the recording and in the other one. The calls of the recorded scheduler are made where it made them, and must
 * arrive as they were; those that were made to be refused are left out, as this client does not make them.
 */

interface RecordedSubscription {
  readonly request: RecordedLine;
  readonly head: RecordedLine;
  /** Text of a refusal. */
  readonly text: string;
  /** Events, closes, and calls that carry this subscription's stream id, in the order of time. */
  readonly items: readonly RecordedLine[];
}

function subscriptionsOf(recording: Recording): RecordedSubscription[] {
  const { lines, contentType } = recording;
  const refusedCalls = new Set(
    lines.filter(({ kind, status = 0 }) => kind === "response-head" && status >= 400).map(({ conn }) => conn),
  );
  return lines
    .filter((line) => messageKind(line) === "scheduler call" && line.conn.startsWith("sub-"))
    .flatMap((request) => {
      if (readCall(request, contentType) === undefined) return [];
      const own = lines.filter(({ conn }) => conn === request.conn);
      const head = own.find(({ kind }) => kind === "response-head");
      if (head === undefined) return [];
      const streamId = head.headers?.["Mesos-Stream-Id"];
      const items = lines.filter(
        (line) =>
          (line.conn === request.conn && (line.kind === "event" || line.kind === "close")) ||
          (line.kind === "request" &&
            streamId !== undefined &&
            line.headers?.["Mesos-Stream-Id"] === streamId &&
            !refusedCalls.has(line.conn) &&
            readCall(line, contentType) !== undefined),
      );
      const text = own.find(({ kind }) => kind === "response-body")?.body;
      return [{ request, head, text: typeof text === "string" ? text : "", items }];
    });
}

/** undefined: it was made to be refused. */
function readCall(line: RecordedLine, type: ContentType): AddressedSchedulerCall | undefined {
  try {
    return decodeSchedulerCall(messageBytes(line), type);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

type Subscribe = Extract<SchedulerCall, { type: "SUBSCRIBE" }>;

/** Plays a recording; what the connections emitted, in short, stands beside what the recording lets expect. */
async function replay(
  recording: Recording,
  type: ContentType,
): Promise<{ readonly emitted: unknown[]; readonly expected: unknown[] }> {
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
    const { call } = decodeSchedulerCall(messageBytes(subscription.request), recording.contentType);
    wanted = call as Subscribe;
    if (wanted.frameworkInfo.id === undefined) {
      // Another framework than before.
      connection?.close();
      connection = undefined;
    }
    if (connection === undefined || connection.phase === "ended") connection = connect();
    await playOne(master, connection, subscription, index, {
      type,
      recorded: recording.contentType,
      emitted,
      expected,
    });
    if (subscription.items.some(({ kind, dir }) => kind === "close" && dir === ">")) {
      connection.close();
      connection = undefined;
    }
  }
  connection?.close();
  return { emitted, expected };
}

const endings = new Map([
  ["Framework failed over", "failed-over"],
  ["Framework has been removed", "removed"],
]);

interface Play {
  readonly type: ContentType;
  /** The recording's own. */
  readonly recorded: ContentType;
  readonly emitted: unknown[];
  readonly expected: unknown[];
}

async function playOne(
  master: FakeMaster,
  connection: SchedulerConnection,
  { request, head, text, items }: RecordedSubscription,
  index: number,
  { type, recorded, emitted, expected }: Play,
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
  expect(decodeSchedulerCall(stream.request.body, type)).toEqual(decodeSchedulerCall(messageBytes(request), recorded));
  stream.accept(head.headers?.["Mesos-Stream-Id"]);
  let over = false;
  for (const item of items) {
    if (over) break;
    if (item.kind === "event") {
      const bytes = inType(messageBytes(item), recorded, type);
      const event = decodeSchedulerEvent(bytes, type);
      if (event.type === "SUBSCRIBED") expected.push(`subscribed ${event.frameworkId}`);
      else if (event.type === "ERROR") {
        expected.push(`ended ${endings.get(event.message) ?? "refused"}`);
        over = true;
      } else if (event.type !== "HEARTBEAT") expected.push(event);
      stream.sendRecord(bytes);
    } else if (item.kind === "close") {
      if (item.dir === ">") return;
      expected.push("disconnected");
      if (item.how === "last chunk") stream.end();
      else stream.cut();
      over = true;
    } else {
      over = await playCall(master, connection, item, { type, recorded, emitted, expected });
    }
    await until(() => emitted.length === expected.length, `${item.kind} at ${item.t} ms was taken in`);
  }
}

function inType(event: Uint8Array, from: ContentType, to: ContentType): Uint8Array {
  return from === to ? event : encodeSchedulerEvent(decodeSchedulerEvent(event, from), to);
}

/** Makes a recorded call; its answer is the recorded one. True where the call ends the subscription. */
async function playCall(
  master: FakeMaster,
  connection: SchedulerConnection,
  item: RecordedLine,
  { recorded, expected }: Play,
): Promise<boolean> {
  const { call } = decodeSchedulerCall(messageBytes(item), recorded);
  const before = master.calls.length;
  connection.call(call as Exclude<SchedulerCall, { type: "SUBSCRIBE" }>);
  const received = await until(() => master.calls[before], `${call.type} came`);
  expect(received.call).toEqual(call);
  expect(received.request.headers["mesos-stream-id"] ?? "none").toBe(item.headers?.["Mesos-Stream-Id"] ?? "");
  if (call.type === "TEARDOWN") expected.push("ended torn-down");
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

describe("a recorded master", () => {
  describe.each(["application/json", "application/x-protobuf"] as const)("in %s", (type) => {
    test.each(recordingNames())("%s is understood", async (name) => {
      const { emitted, expected } = await replay(readRecording(name), type);
      expect(emitted).toEqual(expected);
    });
  });
});
