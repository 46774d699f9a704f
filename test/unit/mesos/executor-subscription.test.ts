import { describe, expect, test } from "bun:test";
import { ConnectionLostError } from "../../../src/mesos/errors.ts";
import type { ExecutorCall, ExecutorEvent } from "../../../src/mesos/executor-api.ts";
import {
  ExecutorSubscription,
  type ExecutorSubscriptionCommand,
  type ExecutorSubscriptionEvent,
} from "../../../src/mesos/executor-subscription.ts";

const CHECKPOINT = { recoveryTimeoutMs: 60_000 };
const NO_CHECKPOINT = { recoveryTimeoutMs: 0 };
const call: ExecutorCall = { type: "HEARTBEAT" };
const lost: ExecutorSubscriptionEvent = { type: "stream-closed", error: new ConnectionLostError("gone") };
const callLost: ExecutorSubscriptionEvent = { type: "call-lost", error: new ConnectionLostError("call gone") };
const accepted: ExecutorSubscriptionEvent = { type: "answered", status: 200, text: "" };
const record = (event: ExecutorEvent): ExecutorSubscriptionEvent => ({ type: "record", event });
/** Any event stands for SUBSCRIBED here: the machine does not look inside. */
const first = record({ type: "HEARTBEAT" });
const toSubscribed: readonly ExecutorSubscriptionEvent[] = [{ type: "start" }, accepted, first];

function short(commands: readonly ExecutorSubscriptionCommand[]): string[] {
  return commands.map((command) => {
    if (command.type === "pause") return `pause ${command.attempt}`;
    if (command.type !== "emit") return command.type;
    const { event } = command;
    if (event.type === "event") return `emit ${event.event.type}`;
    return event.type === "gave-up" ? `emit gave-up ${event.reason}: ${event.message}` : `emit ${event.type}`;
  });
}

function driven(
  options: { recoveryTimeoutMs: number },
  ...events: readonly (ExecutorSubscriptionEvent | number)[]
): string[] {
  const machine = new ExecutorSubscription(options);
  let nowMs = 0;
  let last: string[] = [];
  for (const event of events) {
    if (typeof event === "number") nowMs += event;
    else last = short(machine.step(event, nowMs));
  }
  return last;
}

describe("an executor", () => {
  test("opens its calls with the first event, not with the answer", () => {
    expect(driven(CHECKPOINT, { type: "start" })).toEqual(["subscribe"]);
    expect(driven(CHECKPOINT, { type: "start" }, accepted)).toEqual([]);
    expect(driven(CHECKPOINT, ...toSubscribed)).toEqual(["open-calls", "emit HEARTBEAT"]);
    expect(driven(CHECKPOINT, ...toSubscribed, record({ type: "SHUTDOWN" }))).toEqual(["emit SHUTDOWN"]);
  });

  test("with checkpoint looks for a lost agent, and tells of the loss once", () => {
    expect(driven(CHECKPOINT, ...toSubscribed, lost)).toEqual(["drop", "emit disconnected", "pause 1"]);
    expect(driven(CHECKPOINT, ...toSubscribed, lost, { type: "paused" })).toEqual(["subscribe"]);
    expect(driven(CHECKPOINT, ...toSubscribed, lost, { type: "paused" }, lost)).toEqual(["drop", "pause 2"]);
    const back = driven(CHECKPOINT, ...toSubscribed, lost, { type: "paused" }, accepted, first, lost);
    expect(back).toEqual(["drop", "emit disconnected", "pause 1"]);
  });

  test("with checkpoint gives up when the recovery timeout is over, counted from the loss", () => {
    const away: readonly (ExecutorSubscriptionEvent | number)[] = [
      ...toSubscribed,
      5000,
      lost,
      59_999,
      { type: "paused" },
    ];
    expect(driven(CHECKPOINT, ...away, { type: "time" })).toEqual([]);
    expect(driven(CHECKPOINT, ...away, 1, { type: "time" })).toEqual([
      "drop",
      "emit gave-up lost: Cannot subscribe at the agent: it does not answer",
    ]);
    expect(driven(CHECKPOINT, ...away, 1, lost)).toEqual(["drop", "emit gave-up lost: gone"]);
  });

  test("without checkpoint gives up at once", () => {
    expect(driven(NO_CHECKPOINT, ...toSubscribed, lost)).toEqual(["drop", "emit gave-up lost: gone"]);
    expect(driven(NO_CHECKPOINT, { type: "start" }, lost)).toEqual(["drop", "emit gave-up lost: gone"]);
    expect(driven(NO_CHECKPOINT, ...toSubscribed, callLost)).toEqual(["drop", "emit gave-up lost: call gone"]);
  });

  test.each([404, 500, 503])("takes %d as not yet", (status) => {
    expect(
      driven(CHECKPOINT, { type: "start" }, { type: "answered", status, text: "Agent has not finished recovery" }),
    ).toEqual(["drop", "emit disconnected", "pause 1"]);
  });

  test.each([400, 401, 403])("takes %d as final", (status) => {
    expect(
      driven(CHECKPOINT, { type: "start" }, { type: "answered", status, text: "Executor cannot be found" }),
    ).toEqual([
      "drop",
      `emit gave-up refused: Cannot subscribe at the agent: the answer is ${status}, Executor cannot be found`,
    ]);
  });

  test("does not wait for ever for the first event", () => {
    const machine = new ExecutorSubscription({ recoveryTimeoutMs: 900_000 });
    machine.step({ type: "start" }, 0);
    machine.step(accepted, 0);
    expect(short(machine.step({ type: "time" }, machine.wakeAtMs!))).toEqual(["drop", "emit disconnected", "pause 1"]);
  });

  test("after SHUTDOWN does not mind the end of the stream, for its updates still count", () => {
    const leaving = [...toSubscribed, record({ type: "SHUTDOWN" })];
    expect(driven(CHECKPOINT, ...leaving, lost)).toEqual([]);
    expect(driven(CHECKPOINT, ...leaving, lost, callLost)).toEqual(["drop", "emit gave-up lost: call gone"]);
    expect(driven(CHECKPOINT, { type: "start" }, accepted, record({ type: "SHUTDOWN" }))).toEqual([
      "open-calls",
      "emit SHUTDOWN",
    ]);
  });

  test("passes ERROR on and subscribes anew", () => {
    expect(driven(CHECKPOINT, ...toSubscribed, record({ type: "ERROR", message: "x" }))).toEqual([
      "emit ERROR",
      "drop",
      "emit disconnected",
      "pause 1",
    ]);
  });
});

describe("a call of an executor", () => {
  const answered = (status: number, text = ""): ExecutorSubscriptionEvent => ({
    type: "call-answered",
    call,
    status,
    text,
  });

  test("that is accepted is nothing to speak of", () => {
    expect(driven(CHECKPOINT, ...toSubscribed, answered(202))).toEqual([]);
  });

  test("that the agent finds wrong is rejected", () => {
    expect(
      driven(CHECKPOINT, ...toSubscribed, answered(400, "Failed to validate Executor::Call: Not a valid UUID")),
    ).toEqual(["emit call-rejected"]);
  });

  test.each([
    [503, "Agent has not finished recovery"],
    [404, ""],
    [403, "Executor is not subscribed"],
    [400, "Executor cannot be found"],
  ])("answered by %d %s leads to a new SUBSCRIBE", (status, text) => {
    expect(driven(CHECKPOINT, ...toSubscribed, answered(status, text))).toEqual([
      "drop",
      "emit disconnected",
      "pause 1",
    ]);
  });

  test("lost with the subscription before does not disturb the next one", () => {
    expect(driven(CHECKPOINT, ...toSubscribed, lost, callLost)).toEqual([]);
    expect(driven(CHECKPOINT, ...toSubscribed, lost, { type: "paused" }, callLost)).toEqual([]);
  });
});
