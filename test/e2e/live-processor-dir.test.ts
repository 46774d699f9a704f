import { expect } from "bun:test";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { formatProblem } from "../../src/config/problem.ts";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";

const TEN_MISTAKES = join(import.meta.dir, "../unit/config/samples/ten-mistakes.json");

const append = (letter: string): readonly string[] => ["sed", `s/$/${letter}/`];
const numbered = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => String(from + i));
const withLetter = (values: readonly string[], letter: string): string[] => values.map((one) => one + letter);

/** Processors whose frameworks the master has; one that was torn down is not among them. */
async function frameworks(mesos: string): Promise<readonly string[]> {
  const state = await (await fetch(`http://${mesos}/state`)).json();
  const { frameworks } = state as { frameworks: readonly { name: string }[] };
  return frameworks.map(({ name }) => name.split("_")[1] ?? name).sort();
}

endToEnd("a file with ten mistakes gives ten clear messages, and what runs goes on running", async (world) => {
  await world.define(definition("copy", "in", "out", append("a")));
  await using brigade = await startLocal(world);
  const { version } = await brigade.api.untilRunning("copy");

  // One file breaks beside it, and its own as well.
  await world.write("processors/ten.json", await readFile(TEN_MISTAKES, "utf8"));
  await world.write("processors/copy.json", '{"name": "copy", "input": "in", "output": "in", "command": ["false"]}');
  const problems = await eventually("eleven problems are reported", async () => {
    const found = await brigade.api.problems();
    return found.length === 11 && found;
  });
  const messages = problems.map(formatProblem);
  expect(new Set(messages).size).toBe(11);
  for (const message of messages) expect(message).toMatch(/\.json:\d+:\d+: error at \$\S*: \S.*[^.]$/);

  const logged = await eventually("all are in the log", () => {
    const told = brigade.process.logged("processor file has a mistake").map(({ problem }) => problem);
    return told.length >= messages.length && told;
  });
  expect(new Set(logged)).toEqual(new Set(messages));
  const validated = await world.run(["validate", "processors"]);
  expect(validated.code).toBe(1);
  for (const message of messages) expect(validated.out).toContain(`${message}\n`);
  expect(validated.out).toEndWith("0 usable processors in 2 files, 11 errors, 0 warnings\n");
  const status = await world.mustRun(["status", "--api", brigade.api.url]);
  for (const message of messages) expect(status).toContain(message);

  await brigade.topics.produceValues("in", ["1", "2"]);
  await brigade.api.untilSettled("copy", 2);
  expect(await brigade.topics.values("out")).toEqual(["1a", "2a"]);

  // Mended, it applies.
  await world.define(definition("copy", "in", "out", append("b")));
  await world.undefine("ten");
  await brigade.api.untilChanged("copy", version);
  await eventually("no problem is left", async () => (await brigade.api.problems()).length === 0);
  await brigade.topics.produceValues("in", ["3"]);
  await brigade.api.untilSettled("copy", 3);
  expect(await brigade.topics.values("out")).toEqual(["1a", "2a", "3b"]);
});

endToEnd("processors are added, changed and removed while others run, and no record is lost", async (world) => {
  await world.define(definition("first", "in", "middle", append("a")));
  await using brigade = await startLocal(world);
  const { api, topics } = brigade;
  await topics.produceValues("in", numbered(1000, 50));

  await world.define(definition("second", "middle", "out", append("b")));
  await api.untilRunning("second");
  const { version } = await api.untilSettled("second", 50);

  // Changed in the middle of work: what is read later runs the new command.
  await topics.produceValues("in", numbered(2000, 50));
  await world.define(definition("second", "middle", "out", append("c"), { env: ["CHANGED=yes"] }));
  await api.untilChanged("second", version);
  await topics.produceValues("in", numbered(3000, 50));
  await api.untilSettled("second", 150);
  const values = await topics.values("out");
  expect(values.map((value) => value.slice(0, 5))).toEqual(
    withLetter([...numbered(1000, 50), ...numbered(2000, 50), ...numbered(3000, 50)], "a"),
  );
  expect(values.slice(0, 50)).toEqual(withLetter(numbered(1000, 50), "ab"));
  expect(values.slice(100)).toEqual(withLetter(numbered(3000, 50), "ac"));

  expect(await frameworks(brigade.mesos)).toEqual(["first", "second"]);
  await world.undefine("second");
  await api.untilGone("second");
  expect(await frameworks(brigade.mesos)).toEqual(["first"]);
  await topics.produceValues("in", numbered(4000, 10));
  await api.untilSettled("first", 160);
  expect(await topics.size("middle")).toBe(160);
  expect(await topics.size("out")).toBe(150);

  // Defined again, it goes on where its group stood.
  await world.define(definition("second", "middle", "out", append("d")));
  await api.untilSettled("second", 160);
  expect((await topics.values("out")).slice(150)).toEqual(withLetter(numbered(4000, 10), "ad"));
});

endToEnd("a removed processor is drained: what it has read is finished first", async (world) => {
  const script = 'echo started >> starts; while [ ! -e "$GATE" ]; do sleep 0.05; done; cat';
  const env = [`GATE=${world.path("gate")}`];
  const slow = definition("slow", "in", "out", script.replace("starts", world.path("starts")), { env, concurrency: 2 });
  await world.define(slow, definition("other", "in", "elsewhere", ["cat"]));
  await using brigade = await startLocal(world);
  await brigade.topics.produceValues("in", numbered(1, 4));
  await eventually("two records run", async () => (await world.lines("starts")).length === 2);

  await world.undefine("slow");
  await eventually("it drains", async () => (await brigade.api.processor("slow"))?.phase === "draining");
  await world.write("gate", "");
  await brigade.api.untilGone("slow");
  const results = await brigade.topics.values("out");
  expect(results).toEqual(expect.arrayContaining(["1", "2"]));
  // Whatever it did start came out.
  expect(results).toHaveLength((await world.lines("starts")).length);
});

endToEnd("an unreadable folder, or all files gone at once, changes nothing until it is confirmed", async (world) => {
  await world.define(definition("one", "in", "out", ["cat"]), definition("two", "out", "end", ["cat"]));
  await using brigade = await startLocal(world);
  const { api, topics } = brigade;
  const heldBecause = async (): Promise<string> => (await api.status()).held.map(({ reason }) => reason).join();

  await rename(world.processorDir, world.path("elsewhere"));
  await eventually("both are held", async () => (await heldBecause()) === "unreadable,unreadable");
  expect((await fetch(`${api.url}/readyz`)).status).toBe(503);
  await topics.produceValues("in", ["1"]);
  await api.untilSettled("two", 1);

  await mkdir(world.processorDir);
  await eventually("both are held still", async () => (await heldBecause()) === "all-gone,all-gone");
  await topics.produceValues("in", ["2"]);
  await api.untilSettled("two", 2);
  expect(await topics.values("end")).toEqual(["1", "2"]);
  const status = await world.mustRun(["status", "--api", api.url]);
  expect(status).toContain("one: all definitions are gone at once");

  expect(await world.mustRun(["processors", "remove", "--all", "--api", api.url])).toBe("removing one\nremoving two\n");
  await api.untilGone("one");
  await api.untilGone("two");
  expect(await frameworks(brigade.mesos)).toEqual([]);
});

endToEnd("a processor that is still defined is not removed by command", async (world) => {
  await world.define(definition("one", "in", "out", ["cat"]));
  await using brigade = await startLocal(world);
  const refused = await world.run(["processors", "remove", "one", "--api", brigade.api.url]);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("Cannot remove processor one: it is defined in");
  const unknown = await world.run(["processors", "remove", "nobody", "--api", brigade.api.url]);
  expect(unknown.code).toBe(1);
  expect(unknown.err).toBe("brigade: There is no processor nobody\n");
});
