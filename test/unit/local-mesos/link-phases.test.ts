import { describe, expect, test } from "bun:test";
import { type LinkCommand, type LinkEvent, LinkPhases } from "../../../src/local/mesos/link/link-phases.ts";
import { ConnectionLostError } from "../../../src/mesos/errors.ts";
import type { HostPort } from "../../../src/mesos/host-port.ts";

const master: HostPort = { host: "m1", port: 5050 };
const leader: HostPort = { host: "m2", port: 5050 };
const lost: LinkEvent = { type: "lost", error: new ConnectionLostError("gone") };
const located: LinkEvent = { type: "located", master };
const paused: LinkEvent = { type: "paused" };
const leads: LinkEvent = { type: "leads", master: leader };

function answered(status: number, more: Partial<Extract<LinkEvent, { type: "answered" }>> = {}): LinkEvent {
  return { type: "answered", status, streamId: undefined, agentId: undefined, location: undefined, text: "", ...more };
}
const accepted = answered(200, { streamId: "s", agentId: "a" });

function short(commands: readonly LinkCommand[]): string[] {
  return commands.map((command) => {
    switch (command.type) {
      case "connect":
      case "blame":
        return `${command.type} ${command.master.host}`;
      case "up":
        return `up ${command.master.host} ${command.agentId} ${command.streamId}`;
      case "follow":
        return `follow ${command.leader.host}`;
      case "down":
        return `down${command.wasUp ? " was up" : ""}: ${command.error.message}`;
      case "pause":
        return `pause ${command.attempt}`;
      case "locate":
      case "drop":
      case "end-pause":
        return command.type;
    }
  });
}

/** What the last of these comes to; a number lets so many milliseconds pass. */
function last(...events: readonly (LinkEvent | number)[]): string[] {
  const phases = new LinkPhases({ connectTimeoutMs: 1000, silenceTimeoutMs: 5000 });
  let nowMs = 0;
  let commands: string[] = [];
  for (const event of events) {
    if (typeof event === "number") nowMs += event;
    else commands = short(phases.step(event, nowMs));
  }
  return commands;
}

const start: LinkEvent = { type: "start" };
const open = [start, located, accepted] as const;

describe("an agent's link", () => {
  test("locates, connects, and is up when the master says so", () => {
    expect(last(start)).toEqual(["locate"]);
    expect(last(start, located)).toEqual(["connect m1"]);
    expect(last(...open)).toEqual(["up m1 a s"]);
  });

  test("follows redirects, but not in a circle", () => {
    const redirected = answered(307, { location: "//m2:5050/brigade/agent-link" });
    const other: LinkEvent = { type: "located", master: leader };
    expect(last(start, located, redirected)).toEqual(["drop", "follow m2", "locate"]);
    const hops = Array.from({ length: 5 }, () => [redirected, other]).flat();
    expect(last(start, located, ...hops, redirected)).toContain("pause 1");
  });

  test.each([
    [answered(503, { text: "No leader elected" }), "No leader elected"],
    [answered(404, { text: "404 Not Found." }), "it is no master of brigade mesos"],
    [answered(401, { text: "401 Unauthorized." }), "401 Unauthorized."],
    [answered(200), "the answer is 200"],
    [lost, "gone"],
  ])("tries again after %j", (event, message) => {
    const [drop, blame, down, pause] = last(start, located, event);
    expect([drop, blame, pause]).toEqual(["drop", "blame m1", "pause 1"]);
    expect(down).toContain(message);
    expect(last(start, located, event, paused)).toEqual(["locate"]);
  });

  test("is given up when the master falls silent, or does not answer", () => {
    expect(last(start, located, 1000, { type: "time" })).toContain(
      "down: Cannot go on with the master: no answer came",
    );
    expect(last(...open, 4999, { type: "time" })).toEqual([]);
    expect(last(...open, 4000, { type: "heard" }, 4000, { type: "time" })).toEqual([]);
    expect(last(...open, 5000, { type: "time" })).toContain(
      "down was up: Cannot go on with the master: silent for 5000 ms",
    );
  });

  test("that breaks at once makes for longer and longer pauses, one that lasted does not", () => {
    const again = [paused, located, accepted] as const;
    expect(last(...open, lost, ...again, lost)).toContain("pause 2");
    expect(last(...open, lost, ...again, 30_000, lost)).toContain("pause 1");
  });

  test("goes to a master that comes to lead, whatever it does", () => {
    expect(last(...open, leads)).toEqual(["drop", "down was up: Cannot go on with m1:5050: m2:5050 leads", "locate"]);
    expect(last(start, located, leads)).toEqual(["drop", "down: Cannot go on with m1:5050: m2:5050 leads", "locate"]);
    expect(last(start, located, lost, leads)).toEqual(["end-pause", "locate"]);
    expect(last(...open, { type: "leads", master })).toEqual([]);
    expect(last(start, leads)).toEqual([]);
  });

  test("does not hear what comes too late", () => {
    expect(last(...open, lost, lost)).toEqual([]);
    expect(last(...open, leads, lost)).toEqual([]);
    expect(last(...open, accepted)).toEqual([]);
    expect(last(start, located, located)).toEqual([]);
    expect(last(...open, { type: "not-located", error: new Error("none") })).toEqual([]);
  });

  test("waits where no master is known", () => {
    expect(last(start, { type: "not-located", error: new Error("none") })).toEqual([
      "drop",
      "down: Cannot locate a master",
      "pause 1",
    ]);
  });
});
