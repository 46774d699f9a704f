import { expect } from "bun:test";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { gated, openGate, records } from "../support/e2e/gated.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";

/* Changes that cannot apply at the boundary of a record: what was read before is finished first. */

endToEnd("a change of the order waits for what was read, and after drain-timeout no longer", async (world) => {
  await world.define(gated(world));
  await using brigade = await startLocal(world);
  const { api, topics } = brigade;
  const started = (count: number): Promise<unknown> => {
    return eventually(`${count} have started`, async () => (await world.lines("starts")).length === count);
  };
  const { version } = await api.untilRunning("gated");
  await topics.produceValues("in", records("first", 3));
  await started(3);
  await world.define(gated(world, { ordering: "key" }));
  await eventually("it drains", async () => (await api.processor("gated"))?.phase === "draining");
  // Read only after the change.
  await topics.produceValues("in", records("second", 1));
  await openGate(world, "first");
  const changed = await api.untilChanged("gated", version);
  await started(4);
  expect(await topics.size("out")).toBe(3);
  expect(
    brigade.process.logged("changed before everything was drained; what runs is cancelled, its records run again"),
  ).toEqual([]);

  await world.define(gated(world, { ordering: "partition", "drain-timeout": "500ms" }));
  const { counters } = await api.untilChanged("gated", changed.version);
  // Killed by us is no attempt.
  await started(5);
  const starts = (await world.lines("starts")).slice(3);
  expect(starts[0]).toEndWith(" 1");
  expect(starts[1]).toBe(starts[0]);
  expect(counters.failedAttempts).toBe(0);
  await openGate(world, "second");
  await api.untilSettled("gated", 4);
  expect(await topics.values("out")).toEqual([...records("passed first\n", 3), "passed second\n"]);
  expect(await world.lines("starts")).toHaveLength(5);
  expect(await topics.size("errors")).toBe(0);
});
