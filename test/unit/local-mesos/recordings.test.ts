import { describe, expect, test } from "bun:test";
import { type ReplayOptions, replay } from "../../support/mesos/replay.ts";

/*
 * What a real master and agent answered, said again by the embedded ones: status, texts, events and their order, and
 * every field but ids, times and addresses. Command tasks (02, and parts of 05 and 10) are not supported yet; scenarios
 * that need the operator's API, credentials or a second master are left out.
 */
const recordings: readonly (readonly [name: string, options: ReplayOptions])[] = [
  ["01-subscribe", {}],
  ["03-custom-executor", { firstRoundMs: 1039 }],
  ["04-unacknowledged", { firstRoundMs: 18.6 }],
  ["05-kill", { firstRoundMs: 1053, untilMs: 12_406 }],
  ["06-reconcile", { firstRoundMs: 874 }],
  ["07-offers", { firstRoundMs: 43.5 }],
  ["08-resubscribe", { firstRoundMs: 978 }],
  ["09-removed-framework", { firstRoundMs: 807 }],
  ["10-errors", { firstRoundMs: 50, untilMs: 5475 }],
  ["14-executor-exit", { firstRoundMs: 1066, silentExits: ["early"] }],
  ["16-message", { firstRoundMs: 500 }],
  ["23-executor-errors", { firstRoundMs: 1056, silentExits: ["worker"] }],
];

describe("a recorded conversation is answered as by a real Mesos", () => {
  test.each(recordings)("%s", async (name, options) => {
    expect(await replay(name, options)).toEqual([]);
  });
});
