import { expect, test } from "bun:test";
import { processorsCommand } from "../../../src/cli/processors.ts";
import { statusCommand } from "../../../src/cli/status.ts";
import { statusText } from "../../../src/cli/status-text.ts";
import { rejection } from "../../support/rejection.ts";
import { FakeScheduler, processorView, schedulerView } from "../api/fakes.ts";
import { against } from "./against.ts";
import { fakeIo } from "./fake-io.ts";

test("the table has a line for each processor, and unknown figures are dashes", () => {
  const text = statusText(
    schedulerView({
      processors: [
        processorView("thumbs"),
        processorView("b", { partitions: [], latency: { p50Ms: null, p99Ms: null } }),
      ],
    }),
  );
  expect(text).toBe(`brigade 0.1.0, deployment brigade, up 1m1s

NAME    PHASE    TOPICS                  IN  OUT  ERRORS  FAILED  OPEN  LAG  P50 ms  P99 ms  1/s
thumbs  running  thumbs-in > thumbs-out  10    7       2       5     1    3      12     250    4
b       running  b-in > b-out            10    7       2       5     1    -       -       -    4
`);
});

test("what is not as it should be is told below the table", () => {
  const text = statusText(
    schedulerView({
      directory: { path: "/etc/brigade/processors", readable: false },
      processors: [
        processorView("a", { phase: "paused", reason: "topic a-in does not exist" }),
        processorView("b", { waiting: [{ reason: "no offer has 64 cpus", count: 3 }] }),
      ],
      held: [{ name: "a", reason: "unreadable" }],
      problems: [{ severity: "error", file: "c.json", path: "$.mem", message: "mem is -1, must be above 0" }],
    }),
  );
  for (const line of [
    "/etc/brigade/processors cannot be read",
    "  a: topic a-in does not exist",
    "  b: 3 waiting: no offer has 64 cpus",
    "  a: PROCESSOR_DIR cannot be read",
  ]) {
    expect(text.split("\n")).toContain(line);
  }
  expect(text).toContain("c.json: error");
});

test("status asks the API, and --json prints its answer", async () => {
  const scheduler = new FakeScheduler();
  expect((await against(scheduler, statusCommand)).out).toContain("a     running  a-in > a-out");
  expect(JSON.parse((await against(scheduler, statusCommand, "--json")).out)).toEqual(scheduler.view);
});

test("without a scheduler status says where it looked", async () => {
  const error = await rejection(statusCommand.run(["--api", "http://127.0.0.1:1"], fakeIo()));
  expect(String(error)).toContain("Cannot reach a scheduler at http://127.0.0.1:1");
});

test("processors remove confirms by name and for all", async () => {
  const scheduler = new FakeScheduler();
  scheduler.view = schedulerView({ held: [{ name: "a", reason: "all-gone" }] });
  expect((await against(scheduler, processorsCommand, "remove", "a")).out).toBe("removing a\n");
  expect((await against(scheduler, processorsCommand, "remove", "--all")).out).toBe("removing a\n");
  expect(scheduler.removed).toEqual([["a"], "all"]);
});

test("a refused removal fails with the scheduler's own words", async () => {
  const refused = await against(new FakeScheduler(), processorsCommand, "remove", "a");
  expect(refused.error).toMatchObject({ code: "api-refused" });
  expect(String(refused.error)).toContain("must be deleted there");
  const unknown = await against(new FakeScheduler(), processorsCommand, "remove", "x");
  expect(String(unknown.error)).toContain("There is no processor x");
});

test("processors remove wants either names or --all", async () => {
  for (const args of [[], ["remove"], ["remove", "a", "--all"], ["list"]]) {
    expect(await rejection(processorsCommand.run(args, fakeIo()))).toMatchObject({ code: "usage" });
  }
});
