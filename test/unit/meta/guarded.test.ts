import { expect, test } from "bun:test";
import type { RunId } from "../../../src/engine/ports.ts";
import type { TaskView } from "../../../src/framework/fine-runner.ts";
import { guardedWaiting } from "../../../src/meta/guarded.ts";
import { taskState } from "../../../src/meta/task-state.ts";

function task(name: string, more: Partial<TaskView> = {}): TaskView {
  const place = { agent: "S0", host: "host7", partition: 0, offset: 3, attempt: 1, orphaned: false };
  return { run: `run-${name}` as RunId, id: `task-${name}`, state: "lost", ...place, sinceMs: 0, ...more };
}

const waitingFor = (...names: readonly string[]) => ({ records: 3, runs: names.map((name) => `run-${name}` as RunId) });

test("nothing waits where nothing is guarded", () => {
  expect(guardedWaiting({ records: 0, runs: [] }, [task("a")])).toEqual([]);
});

test("records that wait name the task in the way, its host, and how many others there are", () => {
  expect(guardedWaiting(waitingFor("a"), [task("b"), task("a")])).toEqual([
    { count: 3, reason: "until task-a on host7, which may be alive, is known to be dead (overlap: forbid)" },
  ]);
  const [two] = guardedWaiting(waitingFor("a", "b"), [task("a", { host: null }), task("b")]);
  expect(two?.reason).toStartWith("until task-a on S0 and 1 more, ");
  const [unknown] = guardedWaiting(waitingFor("a"), []);
  expect(unknown?.reason).toBe("for the end of runs that may be alive (overlap: forbid)");
});

test("where nobody will ever tell, it says what a person can do", () => {
  const [view] = guardedWaiting(waitingFor("a"), [task("a", { orphaned: true })]);
  expect(view?.reason).toContain("once it certainly does not run, set overlap to allow");
});

test("a task that was given up is shown as unreachable: it may come back", () => {
  expect(taskState("lost")).toBe("unreachable");
  expect(taskState("unreachable")).toBe("unreachable");
  expect(taskState("uncertain")).toBe("placed");
});
