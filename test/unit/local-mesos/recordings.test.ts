import { describe, expect, test } from "bun:test";
import { replay } from "../../support/mesos/replay.ts";
import { replays } from "../../support/mesos/replay-options.ts";
import { recordingNames } from "../../support/mesos-recordings.ts";

/*
 * What a real master and agent answered, said again by the embedded ones: status, headers, texts, events and their
 * order, and every field but ids, times and addresses.
 */

describe("a recorded conversation is answered as by a real Mesos", () => {
  test.each(Object.entries(replays))("%s", async (name, options) => {
    expect(await replay(name, options)).toEqual([]);
  });

  test("no recording is left out", () => {
    expect(Object.keys(replays).sort()).toEqual([...recordingNames()].sort());
  });
});
