import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Delivery, Lane, type Outgoing } from "../../../src/kafka/lane.ts";
import { rejection } from "../../support/rejection.ts";

function outgoing(name: string, bytes = 10, delivery = new Delivery(1)): Outgoing {
  // A test looks at the deliveries it cares about; the others may fail unseen.
  delivery.done.catch(() => undefined);
  return { record: { topic: name, key: null, value: null, headers: [] }, bytes, delivery };
}

const names = (entries: readonly Outgoing[] | undefined): string[] => (entries ?? []).map(({ record }) => record.topic);

describe("a delivery", () => {
  test("resolves with the last acknowledgement of its records", async () => {
    const delivery = new Delivery(2);
    delivery.acknowledged();
    expect(delivery.settled).toBe(false);
    delivery.acknowledged();
    await delivery.done;
  });

  test("of no records is done", async () => {
    await new Delivery(0).done;
  });

  test("fails once, with the first refusal", async () => {
    const delivery = new Delivery(2);
    delivery.fail(new Error("first"));
    delivery.fail(new Error("second"));
    delivery.acknowledged();
    expect(await rejection(delivery.done)).toMatchObject({ message: "first" });
  });
});

describe("a lane", () => {
  test("puts as many records into a batch as fit, and at least one", () => {
    const lane = new Lane(0);
    for (const [name, bytes] of [["a", 50] as const, ["b", 60] as const, ["c", 900] as const])
      lane.add(outgoing(name, bytes));
    expect(names(lane.nextBatch(110)?.entries)).toEqual(["a", "b"]);
    lane.acknowledged();
    expect(names(lane.nextBatch(110)?.entries)).toEqual(["c"]);
  });

  test("keeps a batch as it is until its fate is known, whatever is added or given up meanwhile", () => {
    const lane = new Lane(0);
    const first = outgoing("a");
    lane.add(first);
    const batch = lane.nextBatch(100);
    lane.add(outgoing("b"));
    first.delivery.fail(new Error("given up"));
    expect(lane.nextBatch(100)).toBe(batch);
    lane.acknowledged();
    expect(lane.nextBatch(100)).toMatchObject({ firstSequence: 1 });
  });

  test("does not send what nobody waits for any more", () => {
    const lane = new Lane(0);
    const given = outgoing("a");
    lane.add(given);
    lane.add(outgoing("b"));
    given.delivery.fail(new Error("given up"));
    expect(names(lane.nextBatch(100)?.entries)).toEqual(["b"]);
  });

  test("counts from 0 again with another producer, and keeps the batch", () => {
    const lane = new Lane(0);
    lane.add(outgoing("a"));
    lane.nextBatch(10);
    lane.acknowledged();
    lane.add(outgoing("b"));
    expect(lane.nextBatch(10)?.firstSequence).toBe(1);
    lane.restart();
    expect(lane.nextBatch(10)).toMatchObject({ firstSequence: 0 });
  });

  test("fails everything when the topic is refused", async () => {
    const lane = new Lane(0);
    const all = ["a", "b", "c"].map((name) => outgoing(name));
    for (const entry of all) lane.add(entry);
    lane.nextBatch(15);
    lane.failAll(new Error("gone"));
    for (const { delivery } of all) expect(await rejection(delivery.done)).toMatchObject({ message: "gone" });
    expect(lane.nextBatch(100)).toBeUndefined();
  });

  test("finds every record that the broker refuses, and writes the others in order with consecutive numbers", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), fc.integer({ min: 10, max: 200 }), (bad, maxBytes) => {
        const lane = new Lane(0);
        const all = bad.map((isBad, index) => outgoing(`${isBad ? "bad" : "good"}${index}`));
        for (const entry of all) lane.add(entry);
        const written: string[] = [];
        for (let batch = lane.nextBatch(maxBytes); batch !== undefined; batch = lane.nextBatch(maxBytes)) {
          // The broker: takes consecutive numbers only, and refuses a batch as a whole.
          expect(batch.firstSequence).toBe(written.length);
          if (names(batch.entries).some((name) => name.startsWith("bad"))) lane.refused(() => new Error("refused"));
          else {
            written.push(...names(batch.entries));
            lane.acknowledged();
          }
        }
        expect(written).toEqual(all.map(({ record }) => record.topic).filter((name) => name.startsWith("good")));
        expect(all.every(({ delivery }) => delivery.settled)).toBe(true);
      }),
    );
  });
});
