import { describe, expect, test } from "bun:test";
import { showUtf8 } from "../../../src/base/bytes.ts";
import type { ProcessorSpec } from "../../../src/config/processor.ts";
import type { RunId } from "../../../src/engine/ports.ts";
import { TrackerDriver } from "../../support/tracker-driver.ts";

/*
 * A scheduler that is killed between an output and its commit leaves the next record of the key running. Its successor
 * finds both runs, and sends the first output once more: nothing of the second may go before that.
 */

const first = "in_0_0-1.1" as RunId;
const second = "in_0_1-1.2" as RunId;

/** With a run of each of two records of one key found. */
function found(spec: Partial<ProcessorSpec> = {}): TrackerDriver {
  const driver = new TrackerDriver({ ordering: "key", ...spec });
  for (const [offset, runId] of [first, second].entries())
    driver.step({ type: "adopted", runId, partition: 0, offset });
  driver.begin({ logEndOffset: 3 });
  driver.receive([0, 1, 2], { key: "k" });
  return driver;
}

function sent(driver: TrackerDriver): string[] {
  return driver.all("send").map(({ records }) => showUtf8(records[0]?.value ?? new Uint8Array()));
}

describe("what is found to run ahead of its turn", () => {
  test("is sent after those before it in its lane, and let go with the commit", () => {
    const driver = found();
    driver.end(second, undefined, "second");
    expect(sent(driver)).toEqual([]);
    const [partition] = driver.tracker.offsets({ runs: 1, records: 3 });
    expect(partition?.oldest[1]).toMatchObject({ offset: 1, phase: "ended", behind: 0 });
    driver.end(first, undefined, "first");
    expect(sent(driver)).toEqual(["first"]);
    driver.acknowledgeSends();
    expect(sent(driver)).toEqual(["first", "second"]);
    expect(driver.runsOf(2)).toBe(0);
    driver.acknowledgeSends();
    driver.confirmCommits();
    expect(driver.runsOf(2)).toBe(1);
    expect([first, second].map((run) => driver.released(run))).toEqual([true, true]);
  });

  test("waits for one before it that has to run again", () => {
    const driver = found();
    driver.end(second, undefined, "second");
    driver.step({ type: "lost", runId: first, reason: "executor-lost", message: "", dead: true });
    driver.advance(60_000);
    expect(sent(driver)).toEqual([]);
    driver.end(driver.runOf(0), undefined, "first");
    driver.acknowledgeSends();
    expect(sent(driver)).toEqual(["first", "second"]);
  });

  test("takes no room from the one that it waits for", () => {
    const driver = found({ maxInFlightBytes: 100 });
    driver.end(second, undefined, "x".repeat(1000));
    driver.step({ type: "lost", runId: first, reason: "executor-lost", message: "", dead: true });
    driver.advance(60_000);
    expect(driver.runsOf(0)).toBe(1);
  });

  test("runs again only when it is its turn", () => {
    const driver = found();
    driver.end(second, { type: "exited", code: 1 });
    driver.advance(60_000);
    expect(driver.runsOf(1)).toBe(0);
    driver.end(first, undefined, "first");
    expect(driver.runsOf(1)).toBe(0);
    driver.acknowledgeSends();
    expect(driver.runsOf(1)).toBe(1);
    expect(driver.runsOf(2)).toBe(0);
  });

  test("goes to the error topic when it is its turn", () => {
    const driver = found();
    driver.end(second, { type: "exited", code: 65 });
    expect(driver.all("send")).toEqual([]);
    driver.end(first, undefined, "first");
    driver.acknowledgeSends();
    expect(driver.all("send").map(({ records }) => records[0]?.topic)).toEqual(["out", "errors"]);
  });

  test("is let go, and not sent, where another member has settled it meanwhile", () => {
    const driver = found();
    driver.end(second, undefined, "second");
    driver.assign({ committed: { offset: 2, metadata: "" }, logEndOffset: 3 });
    expect([first, second].map((run) => driver.released(run))).toEqual([true, true]);
    expect(sent(driver)).toEqual([]);
  });
});
