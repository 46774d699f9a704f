import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { ProcessorSpec } from "../../../src/config/processor.ts";
import { type DirectoryScan, ProcessorDirectory, type ScanTrigger } from "../../../src/meta/directory.ts";
import { specOf } from "./fakes.ts";

const unreadable: DirectoryScan = { kind: "unreadable" };

function found(...processors: ProcessorSpec[]): DirectoryScan {
  return { kind: "ok", processors, broken: false };
}

function foundBeside(brokenFile: "broken file", ...processors: ProcessorSpec[]): DirectoryScan {
  return { kind: "ok", processors, broken: brokenFile === "broken file" };
}

function directoryOf(...specs: ProcessorSpec[]): ProcessorDirectory {
  const directory = new ProcessorDirectory();
  directory.step(found(...specs), "poll");
  return directory;
}

const a = specOf("a");
const b = specOf("b");

test("a definition that appears is started at once", () => {
  const directory = directoryOf(a);
  expect(directory.step(found(a, b), "event").decisions).toEqual([{ type: "start", spec: b }]);
});

test("a definition is compared by value: the same one again changes nothing", () => {
  const directory = directoryOf(a);
  expect(directory.step(found(specOf("a")), "poll").decisions).toEqual([]);
});

test("a changed definition is an update", () => {
  const changed = specOf("a", "v2");
  expect(directoryOf(a).step(found(changed), "event").decisions).toEqual([{ type: "update", spec: changed }]);
});

test("a definition must be absent in two polls in a row before its processor is removed", () => {
  const directory = directoryOf(a, b);
  const first = directory.step(found(a), "poll");
  expect(first).toEqual({ decisions: [], held: [{ name: "b", reason: "first-poll" }] });
  expect(directory.step(found(a), "poll")).toEqual({ decisions: [{ type: "remove", name: "b" }], held: [] });
});

test("a definition that is back in the second poll was never gone", () => {
  const directory = directoryOf(a, b);
  directory.step(found(a), "poll");
  expect(directory.step(found(a, b), "poll")).toEqual({ decisions: [], held: [] });
  expect(directory.step(found(a), "poll").decisions).toEqual([]);
});

test("file-system events do not count towards removal", () => {
  const directory = directoryOf(a, b);
  for (let i = 0; i < 5; i++) expect(directory.step(found(a), "event").decisions).toEqual([]);
  directory.step(found(a), "poll");
  expect(directory.step(found(a), "poll").decisions).toEqual([{ type: "remove", name: "b" }]);
});

test("an unreadable folder changes nothing, and polls on either side of it are not in a row", () => {
  const directory = directoryOf(a, b);
  directory.step(found(a), "poll");
  const step = directory.step(unreadable, "poll");
  expect(step.decisions).toEqual([]);
  expect(step.held.map(({ reason }) => reason)).toEqual(["unreadable", "unreadable"]);
  expect(directory.step(found(a), "poll").decisions).toEqual([]);
});

test("a broken file removes nothing, while good files beside it go on applying", () => {
  const directory = directoryOf(a, b);
  const changed = specOf("a", "v2");
  for (let i = 0; i < 3; i++) {
    const step = directory.step(foundBeside("broken file", changed), "poll");
    expect(step.decisions).toEqual(i === 0 ? [{ type: "update", spec: changed }] : []);
    expect(step.held).toEqual([{ name: "b", reason: "broken-file" }]);
  }
  directory.step(found(changed), "poll");
  expect(directory.step(found(changed), "poll").decisions).toEqual([{ type: "remove", name: "b" }]);
});

test("the loss of all processors at once waits for confirmation", () => {
  const directory = directoryOf(a, b);
  for (let i = 0; i < 5; i++) expect(directory.step(found(), "poll").decisions).toEqual([]);
  const removal = directory.confirm("all");
  expect(removal.decisions).toEqual([
    { type: "remove", name: "a" },
    { type: "remove", name: "b" },
  ]);
  expect(removal.held).toEqual([]);
});

test("a confirmation names what it confirms, and passes over what is still defined", () => {
  const directory = directoryOf(a, b);
  directory.step(found(a), "poll");
  expect(directory.confirm(["a"]).decisions).toEqual([]);
  expect(directory.confirm(["b"]).decisions).toEqual([{ type: "remove", name: "b" }]);
  expect(directory.has("b")).toBe(false);
});

test("what ran before a restart is neither started twice nor lost when the folder is unreadable", () => {
  const directory = new ProcessorDirectory([a, b]);
  expect(directory.step(unreadable, "poll").decisions).toEqual([]);
  expect(directory.has("a")).toBe(true);
  expect(directory.step(found(a), "poll").decisions).toEqual([]);
  expect(directory.step(found(a), "poll").decisions).toEqual([{ type: "remove", name: "b" }]);
});

test("following the decisions ends with exactly what the folder holds, once it is readable and quiet", () => {
  const names = ["a", "b", "c"];
  const processors = fc
    .uniqueArray(fc.constantFrom(...names), { maxLength: 3 })
    .chain((chosen) =>
      fc.tuple(...chosen.map((name) => fc.constantFrom("v1", "v2").map((version) => specOf(name, version)))),
    );
  const scan: fc.Arbitrary<DirectoryScan> = fc.oneof(
    fc.record({ kind: fc.constant("ok" as const), processors, broken: fc.boolean() }),
    fc.constant(unreadable),
  );
  const trigger = fc.constantFrom<ScanTrigger>("poll", "event");
  fc.assert(
    fc.property(fc.array(fc.tuple(scan, trigger), { maxLength: 30 }), processors, (history, last) => {
      fc.pre(last.length > 0);
      const directory = new ProcessorDirectory();
      const running = new Map<string, string>();
      const follow = (scan: DirectoryScan, trigger: ScanTrigger): void => {
        const missing = [...running.keys()].filter(
          (name) => scan.kind === "ok" && !scan.processors.some((spec) => spec.name === name),
        );
        for (const decision of directory.step(scan, trigger).decisions) {
          if (decision.type === "remove") {
            expect(missing).toContain(decision.name);
            running.delete(decision.name);
          } else {
            expect(running.has(decision.spec.name)).toBe(decision.type === "update");
            running.set(decision.spec.name, decision.spec.version);
          }
        }
      };
      for (const [scan, trigger] of history) follow(scan, trigger);
      const quiet: DirectoryScan = { kind: "ok", processors: last, broken: false };
      follow(quiet, "poll");
      follow(quiet, "poll");
      expect(running).toEqual(new Map(last.map(({ name, version }) => [name, version])));
    }),
  );
});
