import { describe, expect, test } from "bun:test";
import type { ProcessorSpec } from "../../../src/config/processor.ts";
import type { RunId, SettlingSpec } from "../../../src/engine/ports.ts";
import { processorSpec } from "../../support/specs.ts";
import { TrackerDriver } from "../../support/tracker-driver.ts";

const found = "upper_in_0_2-1.7" as RunId;
const failed = { type: "exited", code: 65 } as const;

function version(name: string, more: Partial<ProcessorSpec> = {}): ProcessorSpec {
  const error = { topic: `errors-${name}`, value: "stdout" } as const;
  return processorSpec({ version: name, output: `out-${name}`, error, ...more });
}

/** At version `v2`, knowing what earlier lives have left. */
function driverAt(...known: readonly SettlingSpec[]): TrackerDriver {
  return new TrackerDriver(version("v2"), {}, known);
}

function topicOf(driver: TrackerDriver): string | undefined {
  return driver.all("send").at(-1)?.records[0]?.topic;
}

function forgotten(driver: TrackerDriver): string[] {
  return driver.all("forget-version").map((command) => command.version);
}

/** Every record up to `offset` runs, succeeds and is committed. */
function settle(driver: TrackerDriver, ...offsets: number[]): void {
  driver.receive(offsets);
  for (const offset of offsets) driver.end(driver.runOf(offset), undefined, "", "v2");
  driver.acknowledgeSends();
  driver.confirmCommits();
}

describe("a run of an earlier life is settled by its own version", () => {
  test("its output goes to that version's topic", () => {
    const driver = driverAt(version("v1"));
    driver.step({ type: "adopted", runId: found, partition: 0, offset: 2 });
    driver.begin({ committed: { offset: 2, metadata: "" }, logEndOffset: 3 });
    driver.receive([2]);
    driver.end(found, undefined, "HELLO");
    expect(topicOf(driver)).toBe("out-v1");
  });

  test("its failure goes to that version's error topic, in that version's form", () => {
    const driver = driverAt(version("v1", { error: { topic: "errors-v1", value: "input" } }));
    driver.step({ type: "adopted", runId: found, partition: 0, offset: 2 });
    driver.end(found, failed, "printed");
    driver.begin({ committed: { offset: 2, metadata: "" }, logEndOffset: 3 });
    driver.receive([2]);
    expect(topicOf(driver)).toBe("errors-v1");
    expect(driver.all("send")[0]!.records[0]!.value).toEqual(new TextEncoder().encode("value 2"));
  });

  test("empty output is dropped where that version says so", () => {
    const driver = driverAt(version("v1", { emptyOutput: "drop" }));
    driver.step({ type: "adopted", runId: found, partition: 0, offset: 2 });
    driver.begin({ committed: { offset: 2, metadata: "" }, logEndOffset: 3 });
    driver.receive([2]);
    driver.end(found);
    expect(driver.all("send")).toEqual([]);
    driver.confirmCommits();
    expect(driver.released(found)).toBe(true);
  });

  test("where its version is not known the present one settles it, and that is noted", () => {
    const driver = driverAt();
    driver.step({ type: "adopted", runId: found, partition: 0, offset: 2 });
    driver.begin({ committed: { offset: 2, metadata: "" }, logEndOffset: 3 });
    driver.receive([2]);
    driver.end(found, undefined, "HELLO", "v0");
    expect(topicOf(driver)).toBe("out-v2");
    const notes = driver.all("note").map(({ note }) => note);
    expect(notes).toContainEqual({ type: "unknown-version", partition: 0, offset: 2, version: "v0" });
  });

  test("a killed one needs no version", () => {
    const driver = driverAt();
    driver.begin();
    driver.receive([2]);
    driver.step({ type: "adopted", runId: found, partition: 0, offset: 2 });
    driver.end(found, { type: "killed" }, "", "");
    expect(driver.all("note").filter(({ note }) => note.type === "unknown-version")).toEqual([]);
  });
});

describe("a run of this life", () => {
  test("is settled by the version that it was started with, and the next one by the present", () => {
    const driver = driverAt();
    driver.begin();
    driver.receive([0]);
    driver.step({ type: "spec", spec: version("v3") });
    driver.end(driver.runOf(0), undefined, "HELLO", "v2");
    expect(topicOf(driver)).toBe("out-v2");
    driver.receive([1]);
    driver.end(driver.runOf(1), undefined, "HELLO", "v3");
    expect(topicOf(driver)).toBe("out-v3");
  });
});

describe("a version is forgotten once no run of it can be left", () => {
  test("when everything that was written by then is settled", () => {
    const driver = driverAt(version("v1"));
    driver.begin({ committed: { offset: 0, metadata: "" }, logEndOffset: 3 });
    settle(driver, 0, 1);
    expect(forgotten(driver)).toEqual([]);
    settle(driver, 2);
    expect(forgotten(driver)).toEqual(["v1"]);
  });

  test("not while one partition has an older record", () => {
    const driver = driverAt(version("v1"));
    const committed = { offset: 0, metadata: "" };
    driver.begin({ committed, logEndOffset: 1 }, { committed, logEndOffset: 1 });
    settle(driver, 0);
    expect(forgotten(driver)).toEqual([]);
    driver.receive([0], { partition: 1 });
    driver.end(driver.runOf(0), undefined, "", "v2");
    driver.acknowledgeSends();
    driver.confirmCommits();
    expect(forgotten(driver)).toEqual(["v1"]);
  });

  test("not before it is known what runs, and not while a run waits for its record", () => {
    const driver = driverAt(version("v1"));
    driver.assign({ committed: { offset: 3, metadata: "" }, logEndOffset: 3 });
    expect(forgotten(driver)).toEqual([]);
    driver.step({ type: "adopted", runId: found, partition: 7, offset: 2 });
    driver.step({ type: "ready" });
    expect(forgotten(driver)).toEqual([]);
    driver.advance(60_000);
    driver.assign({ committed: { offset: 3, metadata: "" }, logEndOffset: 3 });
    expect(forgotten(driver)).toEqual(["v1"]);
  });

  test("not while nothing is owned", () => {
    const driver = driverAt(version("v1"));
    driver.step({ type: "ready" });
    driver.step({ type: "assigned", epoch: 1, partitions: [] });
    expect(forgotten(driver)).toEqual([]);
  });

  test("the version before a change, when what was read under it is settled", () => {
    const driver = driverAt();
    driver.begin({ committed: { offset: 0, metadata: "" } });
    driver.receive([0, 1]);
    driver.end(driver.runOf(0), undefined, "", "v2");
    driver.step({ type: "spec", spec: version("v3") });
    driver.acknowledgeSends();
    driver.confirmCommits();
    expect(forgotten(driver)).toEqual([]);
    driver.end(driver.runOf(1), undefined, "", "v2");
    driver.acknowledgeSends();
    driver.confirmCommits();
    expect(forgotten(driver)).toEqual(["v2"]);
  });

  test("never the present one, be it one that came back", () => {
    const driver = driverAt(version("v2"), version("v3"));
    driver.begin({ committed: { offset: 0, metadata: "" }, logEndOffset: 1 });
    driver.step({ type: "spec", spec: version("v3") });
    driver.step({ type: "spec", spec: version("v2") });
    settle(driver, 0);
    expect(forgotten(driver)).toEqual(["v3"]);
  });
});
