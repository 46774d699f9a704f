import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { LineSender } from "../../../src/cli/line-sender.ts";
import type { OutputRecord } from "../../../src/engine/ports.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { rejection } from "../../support/rejection.ts";

const PATIENCE_MS = 30_000;
const record: OutputRecord = { topic: "t", key: null, value: utf8("line"), headers: [] };

/** A sender into a Kafka that acknowledges by hand. */
class World {
  readonly clock = new ManualClock();
  readonly sent: { readonly acknowledge: () => void; readonly refuse: (error: Error) => void }[] = [];
  trouble: string | undefined = "connection refused";
  readonly sender: LineSender;

  constructor(patienceMs = PATIENCE_MS) {
    this.sender = new LineSender({
      send: () => new Promise((resolve, reject) => this.sent.push({ acknowledge: resolve, refuse: reject })),
      clock: this.clock,
      patienceMs,
      trouble: () => this.trouble,
    });
  }

  async add(count: number): Promise<void> {
    for (let line = 0; line < count; line++) await this.sender.add(record);
  }

  /** By line numbers, 1 for the first. */
  async acknowledge(...numbers: readonly number[]): Promise<void> {
    for (const number of numbers) this.sent[number - 1]!.acknowledge();
    await Promise.resolve();
  }
}

test("all is well when everything is acknowledged, however long it takes between", async () => {
  const world = new World();
  await world.add(3);
  for (const number of [2, 1, 3]) {
    world.clock.advance(PATIENCE_MS - 1);
    await world.acknowledge(number);
  }
  await world.sender.finished();
  expect(world.clock.pending).toBe(0);
});

describe("where Kafka is silent for too long", () => {
  test("it gives up, and tells why", async () => {
    const world = new World();
    await world.add(1);
    const finished = rejection(world.sender.finished());
    world.clock.advance(PATIENCE_MS);
    expect(await finished).toMatchObject({
      code: "kafka-unavailable",
      message: "Cannot go on: Kafka acknowledged nothing for 30s (connection refused)",
    });
    expect(await rejection(world.add(1))).toMatchObject({ code: "kafka-unavailable" });
  });

  test("the time counts from the last acknowledgement, and only while something waits", async () => {
    const world = new World();
    await world.add(2);
    world.clock.advance(PATIENCE_MS - 1);
    await world.acknowledge(1);
    world.clock.advance(PATIENCE_MS - 1);
    expect(world.sender.failed.aborted).toBe(false);
    await world.acknowledge(2);
    world.clock.advance(10 * PATIENCE_MS);
    expect(world.sender.failed.aborted).toBe(false);
    await world.add(1);
    world.clock.advance(PATIENCE_MS);
    expect(world.sender.failed.aborted).toBe(true);
  });

  test("it waits for ever where that is wanted", async () => {
    const world = new World(Number.POSITIVE_INFINITY);
    await world.add(1);
    world.clock.advance(1e9);
    expect(world.sender.failed.aborted).toBe(false);
  });
});

describe("how far it came", () => {
  test("names the first line that may be missing", async () => {
    const world = new World();
    await world.add(5);
    await world.acknowledge(1, 2, 4);
    expect(world.sender.progress()).toBe(
      "3 of 5 lines were acknowledged; every line before 3 is among them; the other 2 may have been written in part. " +
        "Begin again at line 3.",
    );
    await world.acknowledge(3);
    expect(world.sender.progress()).toContain("the other one may have been written. Begin again at line 5.");
    await world.acknowledge(5);
    expect(world.sender.progress()).toBe("5 lines were acknowledged, all before line 6.");
  });

  test("says nothing where nothing was sent", () => {
    expect(new World().sender.progress()).toBeUndefined();
  });

  test("counts a line that Kafka refuses as missing", async () => {
    const world = new World();
    await world.add(2);
    await world.acknowledge(2);
    world.sent[0]!.refuse(new Error("too large"));
    expect(await rejection(world.sender.finished())).toMatchObject({ message: "too large" });
    expect(world.sender.progress()).toContain("Begin again at line 1.");
  });
});

test("so much is on its way, and no more", async () => {
  const world = new World();
  let added = 0;
  const adding = (async (): Promise<void> => {
    for (; added < 20_001; added++) await world.sender.add(record);
  })();
  await world.acknowledge();
  while (world.sent.length < 20_000) await Promise.resolve();
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  expect(added).toBe(19_999);
  await world.acknowledge(1);
  await world.acknowledge(2);
  await adding;
  expect(added).toBe(20_001);
});
