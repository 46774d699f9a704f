import { describe, expect, test } from "bun:test";
import { ConnectionLostError } from "../../../src/mesos/errors.ts";
import type { HostPort } from "../../../src/mesos/host-port.ts";
import type { SchedulerCall, SchedulerEvent } from "../../../src/mesos/scheduler-api.ts";
import {
  SchedulerSubscription,
  type SubscriptionCommand,
  type SubscriptionEvent,
} from "../../../src/mesos/scheduler-subscription.ts";
import type { FrameworkId, OfferId, TaskId } from "../../../src/mesos/types.ts";

const master: HostPort = { host: "m1", port: 5050 };
const leader: HostPort = { host: "m2", port: 5050 };
const frameworkId = "f" as FrameworkId;
const lost = new ConnectionLostError("gone");
const rescind: SchedulerEvent = { type: "RESCIND", offerId: "o" as OfferId };
const kill: SchedulerCall = { type: "KILL", taskId: "t" as TaskId };

function subscribedEvent(heartbeatIntervalMs = 15_000): SchedulerEvent {
  return { type: "SUBSCRIBED", frameworkId, heartbeatIntervalMs, masterInfo: undefined };
}

function answered(
  status: number,
  extra: { streamId?: string; location?: string; text?: string } = {},
): SubscriptionEvent {
  return { type: "answered", status, streamId: extra.streamId, location: extra.location, text: extra.text ?? "" };
}

/** The commands in short: emitted events by their type and what matters of them. */
function short(commands: readonly SubscriptionCommand[]): string[] {
  return commands.map((command) => {
    switch (command.type) {
      case "emit": {
        const { event } = command;
        if (event.type === "event") return `emit ${event.event.type}`;
        if (event.type === "ended") return `emit ended ${event.reason}: ${event.message}`;
        if (event.type === "disconnected") return `emit disconnected: ${event.error.message}`;
        return `emit ${event.type}`;
      }
      case "pause":
        return `pause ${command.attempt}`;
      case "follow":
        return `follow ${command.leader.host}:${command.leader.port}`;
      case "blame":
      case "subscribe":
      case "open-calls":
        return `${command.type} ${command.master.host}`;
      case "locate":
      case "drop":
      case "end-pause":
        return command.type;
    }
  });
}

/** A machine that has gone through these events, the last one's commands kept; time moves only where a test says so. */
function driven(...events: readonly (SubscriptionEvent | number)[]): {
  machine: SchedulerSubscription;
  last: string[];
  now: number;
} {
  const machine = new SchedulerSubscription();
  let now = 0;
  let last: string[] = [];
  for (const event of events) {
    if (typeof event === "number") now += event;
    else last = short(machine.step(event, now));
  }
  return { machine, last, now };
}

const toConnecting: readonly SubscriptionEvent[] = [{ type: "start" }, { type: "located", master }];
const toSubscribed: readonly SubscriptionEvent[] = [
  ...toConnecting,
  answered(200, { streamId: "s" }),
  { type: "record", event: subscribedEvent() },
];
const streamClosed: SubscriptionEvent = { type: "stream-closed", error: lost, orderly: false };

describe("subscribing", () => {
  test("locates, subscribes and opens calls at SUBSCRIBED, not before", () => {
    expect(driven({ type: "start" }).last).toEqual(["locate"]);
    expect(driven(...toConnecting).last).toEqual(["subscribe m1"]);
    expect(driven(...toConnecting, answered(200, { streamId: "s" })).last).toEqual([]);
    const { machine, last } = driven(...toSubscribed);
    expect(last).toEqual(["open-calls m1", "emit subscribed"]);
    expect(machine.phase).toMatchObject({ type: "subscribed", streamId: "s", frameworkId });
  });

  test("follows a redirect without scheme at once", () => {
    const { last, machine } = driven(...toConnecting, answered(307, { location: "//m2:5050/master/api/v1/scheduler" }));
    expect(last).toEqual(["drop", "follow m2:5050", "locate"]);
    expect(short(machine.step({ type: "located", master: leader }, 0))).toEqual(["subscribe m2"]);
  });

  test("does not follow redirects in a circle", () => {
    const hop: readonly SubscriptionEvent[] = [
      answered(307, { location: "//m2:1" }),
      { type: "located", master: leader },
    ];
    const { last } = driven(
      ...toConnecting,
      ...hop,
      ...hop,
      ...hop,
      ...hop,
      ...hop,
      answered(307, { location: "//m2:1" }),
    );
    expect(last).toEqual([
      "drop",
      "blame m2",
      "emit disconnected: Cannot subscribe at m2:5050: the answer is 307, 5 redirects in a row",
      "pause 1",
    ]);
  });

  test.each([
    [404, "404 Not Found."],
    [503, "No leader elected"],
    [503, "Master has not finished recovery"],
    [500, ""],
    [200, ""],
    [307, ""],
  ])("tries another master after %d %s", (status, text) => {
    expect(driven(...toConnecting, answered(status, { text })).last).toMatchObject(
      ["drop", "blame m1", {}, "pause 1"].map((part) =>
        typeof part === "string" ? part : (expect.stringContaining("emit disconnected") as string),
      ),
    );
  });

  test.each([400, 401, 403, 405, 406, 415])("gives up for good after %d", (status) => {
    const { last, machine } = driven(...toConnecting, answered(status, { text: "why\n" }));
    expect(last).toEqual(["drop", `emit ended refused: Cannot subscribe at m1:5050: the answer is ${status}, why`]);
    expect(machine.step({ type: "paused" }, 0)).toEqual([]);
  });

  test.each([
    ["Framework has been removed", "removed"],
    ["Roles { x } are not present in the master's --roles", "refused"],
    ["Not authorized to register framework F with roles { a }", "refused"],
  ])("an ERROR in place of SUBSCRIBED ends it: %s", (message, reason) => {
    const { last } = driven(...toConnecting, answered(200, { streamId: "s" }), {
      type: "record",
      event: { type: "ERROR", message },
    });
    expect(last).toEqual(["drop", `emit ended ${reason}: ${message}`]);
  });

  test("an authorizer in trouble is asked again", () => {
    const event: SchedulerEvent = { type: "ERROR", message: "Authorization failure: timed out" };
    const { machine } = driven(...toConnecting, answered(200, { streamId: "s" }), { type: "record", event });
    expect(machine.phase.type).toBe("pausing");
  });

  test("an accepted SUBSCRIBE that SUBSCRIBED does not follow is given up", () => {
    const { machine } = driven(...toConnecting, answered(200, { streamId: "s" }));
    const due = machine.wakeAtMs!;
    expect(machine.step({ type: "time" }, due - 1)).toEqual([]);
    expect(short(machine.step({ type: "time" }, due))).toContain("pause 1");
  });

  test("a locator without answer is asked again, and nobody is blamed", () => {
    expect(driven({ type: "start" }, { type: "not-located", error: new Error("no") }).last).toEqual([
      "drop",
      "emit disconnected: Cannot locate a master",
      "pause 1",
    ]);
  });
});

describe("a subscription", () => {
  test("passes events on, but not its own", () => {
    expect(driven(...toSubscribed, { type: "record", event: rescind }).last).toEqual(["emit RESCIND"]);
    expect(driven(...toSubscribed, { type: "record", event: { type: "UNKNOWN", value: 77 } }).last).toEqual([
      "emit UNKNOWN",
    ]);
    expect(driven(...toSubscribed, { type: "record", event: { type: "HEARTBEAT" } }).last).toEqual([]);
  });

  test("is given up after five silent heartbeat intervals; any record counts", () => {
    const { machine } = driven(...toSubscribed);
    expect(machine.wakeAtMs).toBe(75_000);
    machine.step({ type: "record", event: rescind }, 10_000);
    expect(machine.wakeAtMs).toBe(85_000);
    expect(machine.step({ type: "time" }, 84_999)).toEqual([]);
    expect(short(machine.step({ type: "time" }, 85_000))).toEqual([
      "drop",
      "blame m1",
      "emit disconnected: Cannot go on with the subscription: silent for 75000 ms",
      "pause 1",
    ]);
  });

  test("that another scheduler took over ends", () => {
    const event: SchedulerEvent = { type: "ERROR", message: "Framework failed over" };
    expect(driven(...toSubscribed, { type: "record", event }).last).toEqual([
      "drop",
      "emit ended failed-over: Framework failed over",
    ]);
  });

  test("that ends with another ERROR is taken anew", () => {
    const event: SchedulerEvent = { type: "ERROR", message: "Framework disconnected" };
    expect(driven(...toSubscribed, { type: "record", event }).last).toContain("pause 1");
  });

  test("that lasted lets the next pauses begin short; one that did not lengthens them", () => {
    const again: readonly SubscriptionEvent[] = [streamClosed, { type: "paused" }, ...toSubscribed.slice(1)];
    expect(driven(...toSubscribed, ...again, ...again, streamClosed).last.at(-1)).toBe("pause 3");
    expect(driven(...toSubscribed, ...again, ...again, 30_000, streamClosed).last.at(-1)).toBe("pause 1");
  });

  test("ends once however often its loss is told", () => {
    expect(driven(...toSubscribed, streamClosed, streamClosed).last).toEqual([]);
  });
});

describe("a master that comes to lead", () => {
  const leads: SubscriptionEvent = { type: "leads", master: leader };

  test("is gone to at once, from a subscription as well as from a try", () => {
    expect(driven(...toSubscribed, leads).last).toEqual([
      "drop",
      "emit disconnected: Cannot go on with m1:5050: m2:5050 leads",
      "locate",
    ]);
    expect(driven(...toConnecting, leads).last).toEqual([
      "drop",
      "emit disconnected: Cannot go on with m1:5050: m2:5050 leads",
      "locate",
    ]);
  });

  test("ends a pause, and what made it long", () => {
    const { machine } = driven(...toConnecting, streamClosed, { type: "paused" }, { type: "located", master });
    expect(short(machine.step(streamClosed, 0))).toContain("pause 2");
    expect(short(machine.step(leads, 0))).toEqual(["end-pause", "locate"]);
    machine.step({ type: "located", master: leader }, 0);
    expect(short(machine.step(streamClosed, 0))).toContain("pause 1");
  });

  test("changes nothing where it is known already, or is about to be", () => {
    const same: SubscriptionEvent = { type: "leads", master };
    expect(driven(...toSubscribed, same).last).toEqual([]);
    expect(driven({ type: "start" }, leads).last).toEqual([]);
    expect(driven(leads).last).toEqual([]);
  });
});

describe("a call", () => {
  const callAnswered = (call: SchedulerCall, status: number, text = ""): SubscriptionEvent => ({
    type: "call-answered",
    call,
    status,
    text,
  });

  test("that was accepted is nothing to speak of", () => {
    expect(driven(...toSubscribed, callAnswered(kill, 202)).last).toEqual([]);
  });

  test("that was refused for what it says is rejected; the subscription goes on", () => {
    const { last, machine } = driven(
      ...toSubscribed,
      callAnswered(kill, 400, "Failed to validate scheduler::Call: Not a valid UUID"),
    );
    expect(last).toEqual(["emit call-rejected"]);
    expect(machine.phase.type).toBe("subscribed");
  });

  test.each([
    [403, "Framework is not subscribed"],
    [400, "Framework cannot be found"],
    [
      400,
      "The stream ID 'a' included in this request didn't match the stream ID currently associated with framework ID f",
    ],
  ])("that the master refuses for a forgotten subscription (%d %s) renews it", (status, text) => {
    expect(driven(...toSubscribed, callAnswered(kill, status, text)).last).toMatchObject([
      "emit call-rejected",
      "drop",
      "blame m1",
      expect.anything() as string,
      "pause 1",
    ]);
  });

  test.each([307, 404, 500, 503])("that a master answers with %d may have been carried out", (status) => {
    expect(driven(...toSubscribed, callAnswered(kill, status)).last.slice(0, 2)).toEqual(["emit call-unknown", "drop"]);
  });

  test("that is lost takes the subscription with it, and the later ones only themselves", () => {
    const callLost: SubscriptionEvent = { type: "call-lost", call: kill, error: lost };
    expect(driven(...toSubscribed, callLost).last).toEqual([
      "emit call-unknown",
      "drop",
      "blame m1",
      "emit disconnected: gone",
      "pause 1",
    ]);
    expect(driven(...toSubscribed, callLost, callLost).last).toEqual(["emit call-unknown"]);
    expect(driven(...toSubscribed, streamClosed, { type: "paused" }, ...toConnecting.slice(1), callLost).last).toEqual([
      "emit call-unknown",
    ]);
  });
});

describe("TEARDOWN", () => {
  test("ends the framework when the master ends the stream", () => {
    const ended = "emit ended torn-down: The framework was torn down";
    expect(driven(...toSubscribed, { type: "tearing-down" }, { ...streamClosed, orderly: true }).last).toEqual([
      "drop",
      ended,
    ]);
    expect(
      driven(...toSubscribed, { type: "call-answered", call: { type: "TEARDOWN" }, status: 202, text: "" }).last,
    ).toEqual(["drop", ended]);
  });

  test("is uncertain when the connection breaks", () => {
    expect(driven(...toSubscribed, { type: "tearing-down" }, streamClosed).last).toContain("pause 1");
  });
});
