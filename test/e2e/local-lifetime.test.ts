import { expect } from "bun:test";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd, endToEndOnce } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { kill, processesOf } from "../support/e2e/leftovers.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";
import type { World } from "../support/e2e/world.ts";

/** Says that it has started, and answers once the file `gate` is there. */
function gated(world: World, fields: Readonly<Record<string, unknown>> = {}) {
  const script = `cd '${world.folder}'; echo "$BRIGADE_RECORD_ID" >> starts; while [ ! -e gate ]; do sleep 0.05; done; cat`;
  return definition("gated", "in", "out", script, fields);
}

const values = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i)).sort();

endToEnd("Ctrl-C waits for what runs, and leaves neither a process nor a temporary folder behind", async (world) => {
  await world.define(gated(world));
  await using brigade = await startLocal(world);
  await brigade.topics.produceValues("in", values(2));
  await eventually("both run", async () => (await world.lines("starts")).length === 2);
  expect(await world.temporaryFiles()).not.toEqual([]);

  brigade.process.signal("SIGINT");
  await brigade.process.says(/waiting for what runs: gated \(2\)/);
  expect(brigade.process.hasExited).toBe(false);
  await world.write("gate", "");
  expect(await brigade.process.exited).toBe(0);
  await world.untilNothingRuns();
  expect(await world.temporaryFiles()).toEqual([]);
  // Standard output is for the one line that scripts wait for.
  const { api, kafka, mesos } = brigade;
  expect(brigade.process.stdout).toBe(`brigade ready api=${api.url} kafka=${kafka} mesos=${mesos}\n`);
});

endToEnd("a second Ctrl-C kills what runs, and leaves nothing behind either", async (world) => {
  // One that minds no SIGTERM, with a child of its own.
  await world.define(
    gated(world, { command: ["sh", "-c", `trap '' TERM; echo started >> '${world.folder}/starts'; sleep 3600; :`] }),
  );
  await using brigade = await startLocal(world);
  await brigade.topics.produceValues("in", values(2));
  await eventually("both run", async () => (await world.lines("starts")).length === 2);

  brigade.process.signal("SIGINT");
  await brigade.process.says(/waiting for what runs/);
  await brigade.process.end("SIGINT");
  await world.untilNothingRuns();
  expect(await world.temporaryFiles()).toEqual([]);
});

endToEnd("kill -9 of brigade local leaves no process behind", async (world) => {
  await world.define(gated(world));
  await using brigade = await startLocal(world);
  await brigade.topics.produceValues("in", values(2));
  await eventually("both run", async () => (await world.lines("starts")).length === 2);
  await brigade.process.end("SIGKILL");
  await world.untilNothingRuns();
});

endToEnd(
  "with --data everything survives a restart: addresses, topics, offsets and what was not done",
  async (world) => {
    const args = ["--data", world.path("data")];
    await world.define(gated(world, { concurrency: 2 }));
    const addresses = await (async () => {
      await using brigade = await startLocal(world, { args });
      await brigade.topics.produceValues("in", values(8));
      await eventually("two of them run", async () => (await world.lines("starts")).length === 2);
      // What runs is finished, what waits stays for the next time.
      brigade.process.signal("SIGINT");
      await brigade.process.says(/waiting for what runs/);
      await world.write("gate", "");
      expect(await brigade.process.exited).toBe(0);
      return [brigade.api.url, brigade.kafka, brigade.mesos];
    })();
    await world.untilNothingRuns();

    await using brigade = await startLocal(world, { args });
    expect([brigade.api.url, brigade.kafka, brigade.mesos]).toEqual(addresses);
    await brigade.topics.produceValues("in", ["8", "9"]);
    await brigade.api.untilSettled("gated", 10);
    expect(await brigade.topics.values("out")).toEqual(values(10));
    const starts = await world.lines("starts");
    expect(starts).toHaveLength(10);
    expect(new Set(starts).size).toBe(10);
    expect(await brigade.process.end("SIGTERM")).toBe(0);
  },
);

endToEnd("with --data nothing is lost when all of brigade local is killed in the middle of its work", async (world) => {
  const args = ["--data", world.path("data")];
  await world.define(definition("copy", "in", "out", ["cat"]));
  await (async () => {
    await using brigade = await startLocal(world, { args });
    await brigade.topics.produceValues("in", values(300));
    await eventually("some of it is done", async () => (await brigade.topics.size("out")) >= 20);
    await brigade.process.end("SIGKILL");
  })();
  await world.untilNothingRuns();

  await using brigade = await startLocal(world, { args });
  await brigade.api.untilSettled("copy", 300);
  expect(new Set(await brigade.topics.values("out"))).toEqual(new Set(values(300)));
});

for (const engine of ["mesos", "kafka"]) {
  const run = engine === "kafka" ? endToEndOnce : endToEnd;
  run(`an embedded ${engine} that dies is started again, and no record is lost`, async (world) => {
    await world.define(definition("copy", "in", "out", ["cat"], { error: "errors" }));
    await using brigade = await startLocal(world);
    await brigade.topics.produceValues("in", values(200));
    await eventually("some of it is done", async () => (await brigade.topics.size("out")) >= 20);
    const [process] = processesOf(world.folder).filter(({ command }) => command.includes(` local-${engine} `));
    kill(process!.pid);
    await brigade.process.says(/"msg":"engine serves again"/);
    await brigade.api.untilSettled("copy", 200);
    expect(new Set(await brigade.topics.values("out"))).toEqual(new Set(values(200)));
    expect(await brigade.topics.size("errors")).toBe(0);
    expect(await brigade.process.end("SIGINT")).toBe(0);
  });
}

endToEndOnce("a data folder and a port have one user at a time", async (world) => {
  const args = ["--data", world.path("data")];
  await using brigade = await startLocal(world, { args });
  const port = brigade.kafka.split(":")[1] ?? "";
  const ports = (kafka: string): string[] => ["--kafka-port", kafka, "--mesos-port", "0", "--api-port", "0"];
  const taken = await world.run(["local", ...ports(port)]);
  expect(taken).toMatchObject({ code: 1, out: "" });
  expect(taken.err).toContain(`Cannot use port ${port} for kafka`);
  const second = await world.run(["local", ...ports("0"), ...args]);
  expect(second).toMatchObject({ code: 1, out: "" });
  expect(second.err).toContain(world.path("data"));
  // The first one does not mind.
  expect((await brigade.api.status()).processors).toEqual([]);
});
