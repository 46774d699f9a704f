import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { gated, openGate, records } from "../support/e2e/gated.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";
import { configure, startScheduler } from "../support/e2e/scheduler.ts";
import { settledRecords } from "../support/e2e/scheduler-api.ts";

/*
 * `brigade scheduler --config F` and `brigade processor NAME --config F` against a Mesos and a Kafka that run elsewhere,
 * and what becomes of running tasks when the scheduler goes.
 */

endToEnd("a chain runs by brigade scheduler with the original's properties file", async (world) => {
  await using engines = await startLocal(world, { args: ["--no-scheduler"] });
  await world.define(
    definition("one", "t0", "t1", ["sed", "s/$/a/"], { error: "errors" }),
    definition("two", "t1", "t2", ["sed", "s/$/b/"], { error: "errors" }),
    definition("three", "t2", "t3", ["sed", "s/$/c/"], { error: "errors" }),
  );
  await using scheduler = await startScheduler(world, await configure(world, engines));
  await scheduler.api.untilRunning("three");
  const values = Array.from({ length: 60 }, (_, i) => `${i} `);
  await engines.topics.produceValues("t0", values);
  await scheduler.api.untilSettled("three", 60);
  expect(await engines.topics.values("t3")).toEqual(values.map((value) => `${value}abc`).sort());
  expect(await scheduler.process.end()).toBe(0);
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  endToEnd(
    `tasks run on after ${signal} of the scheduler, and the next one adopts them without a second run`,
    async (world) => {
      await using engines = await startLocal(world, { args: ["--no-scheduler"] });
      await world.define(gated(world));
      const config = await configure(world, engines);
      await using first = await startScheduler(world, config);
      await first.api.untilRunning("gated");
      // They end: before the scheduler does, while there is none, and under the next one.
      const { topics } = engines;
      await topics.produceValues("in", [...records("before", 3), ...records("between", 4), ...records("after", 5)]);
      await eventually("all have started", async () => (await world.lines("starts")).length === 12);
      await openGate(world, "before");
      // Settled, that is: what came out and is not committed yet may come out once more.
      await eventually("the first ones are settled", async () => {
        const view = await first.api.processor("gated");
        return view !== undefined && settledRecords(view) === 3;
      });
      expect(await first.process.end(signal)).toBe(signal === "SIGTERM" ? 0 : 137);

      await openGate(world, "between");
      await topics.produceValues("in", records("later", 2));
      await openGate(world, "later");

      await using second = await startScheduler(world, config);
      await eventually("the last ones are adopted", async () => {
        const running = (await second.api.tasks()).filter(({ state }) => state === "running");
        return running.length === 5 && (await topics.size("out")) === 9;
      });
      expect(await world.lines("starts")).toHaveLength(14);
      await openGate(world, "after");
      const view = await second.api.untilSettled("gated", 14);

      const count = (await topics.values("out")).reduce<Record<string, number>>((counts, value) => {
        return { ...counts, [value.trim()]: (counts[value.trim()] ?? 0) + 1 };
      }, {});
      expect(count).toEqual({ "passed before": 3, "passed between": 4, "passed after": 5, "passed later": 2 });
      const starts = await world.lines("starts");
      expect(starts).toHaveLength(14);
      expect(new Set(starts).size).toBe(14);
      expect(view.counters.reruns).toEqual({});
      expect(await second.process.end()).toBe(0);
    },
  );
}

endToEnd("after SIGKILL of the scheduler its consumer group does not wait for a dead member", async (world) => {
  await using engines = await startLocal(world, { args: ["--no-scheduler"] });
  await world.define(definition("copy", "in", "out", ["cat"]));
  const config = await configure(world, engines);
  await using first = await startScheduler(world, config);
  await first.api.untilRunning("copy");
  const member = world.path("state", "values", "processors+copy+member");
  await eventually("the member's id is stored", () => existsSync(member));
  await first.process.end("SIGKILL");

  await using second = await startScheduler(world, config);
  await second.api.untilRunning("copy");
  expect(second.process.logged("the member of the life before has left the consumer group")).toHaveLength(1);
  await engines.topics.produceValues("in", ["1"]);
  await second.api.untilSettled("copy", 1);
  // One that says goodbye leaves nothing to be done.
  expect(await second.process.end()).toBe(0);
  await using third = await startScheduler(world, config);
  await third.api.untilRunning("copy");
  expect(third.process.logged("the member of the life before has left the consumer group")).toEqual([]);
  await world.undefine("copy");
  await eventually("its absence is seen", async () => (await third.api.status()).held.length === 1);
  await world.mustRun(["processors", "remove", "--all", "--api", third.api.url]);
  await third.api.untilGone("copy");
  expect(existsSync(member)).toBe(false);
});

endToEnd("brigade processor runs one processor alone, and a scheduler can take over from it", async (world) => {
  await using engines = await startLocal(world, { args: ["--no-scheduler"] });
  const { topics } = engines;
  await world.define(gated(world), definition("unasked", "in", "elsewhere", ["cat"]));
  const config = await configure(world, engines);
  await using alone = world.start(["processor", "gated", "--config", config]);
  await alone.says(/"msg":"processor changed phase","processor":"gated","phase":"running"/);
  await topics.produceValues("in", [...records("now", 2), ...records("then", 2)]);
  await openGate(world, "now");
  await eventually("the first ones came out", async () => (await topics.size("out")) === 2);
  // The state is its own for as long as it runs.
  const refused = await world.run(["scheduler", "--config", config]);
  expect(refused.code).toBe(1);
  expect(refused.err + refused.out).toContain("state");
  expect(await topics.size("elsewhere")).toBe(0);
  expect(await alone.end()).toBe(0);

  await using scheduler = await startScheduler(world, config);
  await openGate(world, "then");
  await scheduler.api.untilSettled("gated", 4);
  expect(await topics.size("out")).toBe(4);
  expect(await world.lines("starts")).toHaveLength(4);
  const unknown = await world.run(["processor", "gate", "--config", config]);
  expect(unknown.code).toBe(1);
  expect(unknown.err).toContain('did you mean "gated"?');
});

endToEnd("a processor waits for topics that nobody makes, and says for which", async (world) => {
  await using engines = await startLocal(world, { args: ["--no-scheduler"] });
  const { topics } = engines;
  await world.define(definition("copy", "in", "out", ["cat"], { error: "errors" }));
  const config = await configure(world, engines);
  await world.write("brigade.properties", (await Bun.file(config).text()).replace("TOPICS_CREATE = true", ""));
  await using scheduler = await startScheduler(world, config);
  await scheduler.api.untilPaused("copy", /\bin\b.*\bout\b.*\berrors\b/);
  expect((await fetch(`${scheduler.api.url}/readyz`)).status).toBe(503);
  expect(await world.mustRun(["status", "--api", scheduler.api.url])).toContain("paused");

  await topics.create("in", 1);
  await topics.create("out", 1);
  await scheduler.api.untilPaused("copy", /\berrors\b/);
  await topics.produceValues("in", ["1"]);
  await topics.create("errors", 1);
  await scheduler.api.untilSettled("copy", 1);
  expect(await topics.values("out")).toEqual(["1"]);
});
