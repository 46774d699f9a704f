import { describe, expect, test } from "bun:test";
import type { TrackerView } from "../../src/engine/tracker-view.ts";
import { BrokenPromise, type CheckOptions, Checks, type PromiseName } from "./checks.ts";
import type { Fact, ProgramOutcome, TaskKey } from "./facts.ts";

const options: CheckOptions = {
  spec: {
    concurrency: 2,
    retry: { attempts: 2, initialBackoffMs: 1, maxBackoffMs: 1, maxAgeMs: 86_400_000 },
    maxInFlightBytes: 100,
  },
  tracker: { maxSpan: 10, minWindow: 1 },
  partitions: 1,
  fetchRecords: 1,
  recordBytes: 10,
  onlySchedulersDie: false,
};

/** Tells a history, fact by fact, in which A.1 owns partition 0 and records 0/0 and 0/1 were written. */
class Teller {
  readonly #checks: Checks;

  constructor(changed: Partial<CheckOptions> = {}, lane?: string) {
    this.#checks = new Checks({ ...options, ...changed });
    const error = { topic: "errors", value: "stdout" } as const;
    this.tell({
      type: "specification",
      spec: { name: "p", version: "v1", output: "out", error, emptyOutput: "drop" },
      overlap: "forbid",
    });
    this.starts("A.1").owns("A.1");
    for (const record of ["0/0", "0/1"]) this.tell({ type: "record-written", record, lane });
  }

  tell(...facts: readonly Fact[]): this {
    for (const fact of facts) this.#checks.observe(fact);
    return this;
  }

  starts(scheduler: string): this {
    return this.tell({ type: "scheduler-started", scheduler });
  }

  dies(scheduler: string): this {
    return this.tell({ type: "scheduler-ended", scheduler });
  }

  owns(scheduler: string): this {
    return this.tell(
      { type: "assigned", owners: new Map([[0, scheduler]]) },
      { type: "positions-read", scheduler, partitions: [0] },
    );
  }

  launches(task: TaskKey, scheduler = "A.1", executorId = "e-1-1"): this {
    return this.tell({ type: "launched", scheduler, task, version: "v1", agentId: "agent-1", executorId });
  }

  /** From the launch to the end of the program. */
  runs(task: TaskKey, outcome: ProgramOutcome, scheduler = "A.1", executorId = "e-1-1"): this {
    this.launches(task, scheduler, executorId);
    return this.tell({ type: "program-started", task }, { type: "program-ended", task, outcome });
  }

  hears(task: TaskKey, scheduler = "A.1"): this {
    return this.tell({ type: "result-delivered", scheduler, task });
  }

  acknowledges(task: TaskKey, scheduler = "A.1"): this {
    return this.tell({ type: "result-acknowledged", scheduler, task });
  }

  produces(
    record: string,
    as: "output" | "error" = "output",
    scheduler = "A.1",
    topic = as === "output" ? "out" : "errors",
  ): this {
    return this.tell(
      { type: "output-sent", scheduler, record, as, topic },
      { type: "output-written", scheduler, record, as, reason: "" },
    );
  }

  commits(offset: number, metadata = "", scheduler = "A.1"): this {
    return this.tell(
      { type: "commit-sent", scheduler, partition: 0, offset, metadata },
      { type: "committed", scheduler, partition: 0, offset, metadata },
    );
  }
}

const first = "A-1/p_in_0_0-1.1";
const again = "A-1/p_in_0_0-1.2";
const second = "A-1/p_in_0_1-1.3";

function breaks(promise: PromiseName, tell: () => unknown): void {
  let broken: unknown;
  try {
    tell();
  } catch (error) {
    broken = error;
  }
  expect(broken).toBeInstanceOf(BrokenPromise);
  expect((broken as BrokenPromise).promise).toBe(promise);
}

function settled(): Teller {
  return new Teller().runs(first, "succeeded").hears(first).produces("0/0").commits(1).acknowledges(first);
}

test("a history in which all is well passes", () => {
  settled().runs(second, "failed").hears(second).acknowledges(second);
});

describe("I1: nothing is lost", () => {
  test("a commit of a record without output", () => {
    breaks("I1", () => new Teller().runs(first, "succeeded").hears(first).commits(1));
  });

  test("a commit whose metadata says so", () => {
    breaks("I1", () => new Teller().commits(0, "1rAQE"));
  });

  test("but not of an offset that has no record, or whose program printed nothing", () => {
    new Teller().runs(first, "printed-nothing").runs(second, "printed-nothing").commits(2);
    new Teller().tell({ type: "gap-written", record: "0/2" });
  });

  test("a commit of a record that retention took while a run of it could still be heard", () => {
    const gone = (): Teller => new Teller().tell({ type: "record-expired", record: "0/0" });
    gone().commits(1);
    breaks("I1", () => gone().runs(first, "succeeded").commits(1));
    breaks("I1", () => gone().launches(first).tell({ type: "program-started", task: first }).commits(1));
    gone().runs(first, "succeeded").hears(first).produces("0/0").commits(1);
    gone().launches(first).tell({ type: "run-destroyed", task: first }).commits(1);
  });

  test("a commit that takes something back", () => {
    breaks("I1", () => settled().commits(0));
  });

  test("a commit by whoever does not own the partition", () => {
    breaks("I1", () => settled().owns("B.1").commits(1));
  });

  test("a result acknowledged before the commit", () => {
    breaks("I1", () => new Teller().runs(first, "succeeded").hears(first).produces("0/0").acknowledges(first));
  });

  test("but not one of a run whose twin is kept, nor one of a partition that went elsewhere", () => {
    new Teller().runs(first, "succeeded").hears(first).tell({ type: "agent-unreachable", agentId: "agent-1" });
    const lost = new Teller().launches(first).tell({ type: "agent-unreachable", agentId: "agent-1" });
    lost.runs(again, "succeeded").tell({ type: "program-started", task: first });
    lost.tell({ type: "program-ended", task: first, outcome: "succeeded" });
    lost.hears(again).hears(first).acknowledges(first);
    new Teller().runs(first, "succeeded").hears(first).starts("B.1").owns("B.1").acknowledges(first);
  });

  test("a result found again that is acknowledged because a dead member was given its partition", () => {
    breaks("I1", () =>
      new Teller()
        .runs(first, "succeeded")
        .dies("A.1")
        .starts("A.2")
        .owns("A.1")
        .hears(first, "A.2")
        .acknowledges(first, "A.2"),
    );
  });

  test("the last failure acknowledged before its error record", () => {
    const failed = new Teller()
      .runs(first, "failed")
      .hears(first)
      .acknowledges(first)
      .runs(again, "failed")
      .hears(again);
    breaks("I1", () => failed.acknowledges(again).produces("0/0", "error"));
  });

  test("the last failure acknowledged before its error record is committed", () => {
    const failed = new Teller()
      .runs(first, "failed")
      .hears(first)
      .acknowledges(first)
      .runs(again, "failed")
      .hears(again);
    breaks("I1", () => failed.produces("0/0", "error").acknowledges(again));
  });

  test("an output sent twice by one process", () => {
    breaks("I1", () => new Teller().runs(first, "succeeded").hears(first).produces("0/0").produces("0/0"));
  });

  test("an output sent after its record was settled", () => {
    breaks("I1", () => settled().produces("0/0"));
  });

  test("an executor that leaves with a result", () => {
    breaks("I1", () => new Teller().runs(first, "succeeded").tell({ type: "result-abandoned", task: first }));
  });
});

describe("I3: no second run without cause", () => {
  test("an id used twice", () => {
    breaks("I3", () => new Teller().launches(first).launches(first));
  });

  test("a record that is launched after it was settled", () => {
    breaks("I3", () => settled().launches(again));
  });

  test("a second run while the first is alive", () => {
    const alive = new Teller().launches(first).tell({ type: "program-started", task: first }).launches(again);
    breaks("I3", () => alive.tell({ type: "program-started", task: again }));
  });

  test("a second run after the first succeeded", () => {
    breaks("I3", () => new Teller().runs(first, "succeeded").runs(again, "succeeded"));
  });

  test("a program that starts twice for one task", () => {
    const started = new Teller().launches(first).tell({ type: "program-started", task: first });
    breaks("I3", () => started.tell({ type: "program-started", task: first }));
  });

  test.each<readonly [string, Fact]>([
    ["its agent is unreachable", { type: "agent-unreachable", agentId: "agent-1" }],
    ["its executor died with it", { type: "run-destroyed", task: first }],
    ["its framework was removed", { type: "framework-removed", site: "A" }],
    ["its agent did not return to a new master in time", { type: "adoption-timed-out", site: "A" }],
    ["another site has its partition", { type: "assigned", owners: new Map([[0, "B.1"]]) }],
  ])("but a second run is allowed where %s", (_cause, fact) => {
    new Teller().runs(first, "succeeded").tell(fact).owns("A.1").runs(again, "succeeded");
  });

  test("or where its result was let go for a twin's, which was lost before it was settled", () => {
    const twins = new Teller().runs(first, "succeeded").tell({ type: "agent-unreachable", agentId: "agent-1" });
    twins.runs(again, "succeeded").hears(first).produces("0/0").hears(again).acknowledges(again);
    twins.tell({ type: "run-destroyed", task: first }).runs("A-1/p_in_0_0-1.3", "succeeded");
  });

  test("a second run because of a loss that is not counted", () => {
    const lost = new Teller().launches(first).tell({ type: "run-destroyed", task: first });
    lost.tell({ type: "loss-told", scheduler: "A.1", record: "0/0", reason: "executor-lost" });
    breaks("I3", () => lost.launches(again));
  });

  test("but not where another process had the partition meanwhile, whose losses this one does not know", () => {
    const lost = new Teller().owns("A.1").launches(first).tell({ type: "run-destroyed", task: first });
    lost.owns("A.2").owns("A.1").tell({ type: "loss-told", scheduler: "A.1", record: "0/0", reason: "executor-lost" });
    lost.launches(again);
  });

  test("but not another launch of a run that never began, though an older one of the record was lost", () => {
    const older = new Teller().launches(first).tell({ type: "agent-unreachable", agentId: "agent-1" });
    older.tell({ type: "loss-told", scheduler: "A.1", record: "0/0", reason: "agent-lost" }).launches(again);
  });

  test("any second run but after a failure, where only schedulers die", () => {
    const strict = new Teller({ onlySchedulersDie: true }).runs(first, "failed").runs(again, "killed");
    breaks("I3", () => strict.runs("A-1/p_in_0_0-2.1", "succeeded"));
  });
});

describe("I5: order", () => {
  test("a record launched before the one ahead of it in its lane has its output", () => {
    breaks("I5", () => new Teller({}, "key").runs(first, "succeeded").hears(first).launches(second));
    new Teller({}, "key").runs(first, "succeeded").hears(first).produces("0/0").launches(second);
  });

  test("an output ahead of the one before it", () => {
    breaks("I5", () => new Teller({}, "key").produces("0/1"));
  });

  test("an output ahead of one that an earlier life wrote, did not commit, and that will be written again", () => {
    const successor = (): Teller =>
      new Teller({}, "key")
        .runs(first, "succeeded")
        .hears(first)
        .produces("0/0")
        .runs(second, "succeeded")
        .dies("A.1")
        .starts("A.2")
        .owns("A.2");
    breaks("I5", () => successor().produces("0/1", "output", "A.2"));
    breaks("I5", () => successor().launches("A-1/p_in_0_1-2.1", "A.2"));
    successor().hears(first, "A.2").produces("0/0", "output", "A.2").produces("0/1", "output", "A.2");
  });
});

describe("a result is settled by its run's own version", () => {
  test("an output or error record that goes to another version's topic", () => {
    breaks("versions", () =>
      new Teller().runs(first, "succeeded").hears(first).produces("0/0", "output", "A.1", "out-2"),
    );
    breaks("versions", () =>
      new Teller().runs(first, "rejected").hears(first).produces("0/0", "error", "A.1", "errors-2"),
    );
  });

  test("an empty output that its version drops", () => {
    breaks("versions", () => new Teller().runs(first, "printed-nothing").hears(first).produces("0/0"));
  });

  test("but not the error record of a run that was lost, and is over only now", () => {
    const lost = new Teller().runs(first, "rejected").hears(first);
    const error = { topic: "errors-2", value: "stdout" } as const;
    const spec = { name: "p", version: "v2", output: "out-2", error, emptyOutput: "drop" } as const;
    lost.tell({ type: "specification", spec, overlap: "forbid" });
    const launch = { version: "v2", agentId: "agent-1", executorId: "e-1-1" } as const;
    lost.tell({ type: "launched", scheduler: "A.1", task: again, ...launch });
    lost.tell({ type: "loss-told", scheduler: "A.1", record: "0/0", reason: "agent-unreachable" }).starts("B.1");
    lost.produces("0/0", "error", "A.1", "errors-2");
  });

  test("but not where the version was lost with the state, or another process of the site has stored it", () => {
    const lost = new Teller().runs(first, "succeeded").hears(first).tell({ type: "state-lost", site: "A" });
    lost.produces("0/0", "output", "A.1", "out-2");
    const two = new Teller().starts("A.2").runs(first, "succeeded", "A.2").hears(first);
    two.produces("0/0", "output", "A.1", "out-2");
  });
});

describe("I2 and I6: bounds", () => {
  const view = (position: number, records: number, bytes: number): Fact => ({
    type: "view",
    scheduler: "A.1",
    view: {
      partitions: [{ partition: 0, watermark: 0, position }],
      inFlight: { records, bytes, runs: 0 },
    } as unknown as TrackerView,
  });

  test("a position far beyond the watermark", () => {
    new Teller().tell(view(10, 1, 10));
    breaks("I2", () => new Teller().tell(view(50, 1, 10)));
  });

  test("more records or bytes in flight than allowed", () => {
    breaks("I6", () => new Teller().tell(view(1, 50, 10)));
    breaks("I6", () => new Teller().tell(view(1, 1, 500)));
  });
});

describe("I7: whose fault decides", () => {
  test("an error record after too few failures", () => {
    breaks("I7", () => new Teller().runs(first, "failed").hears(first).produces("0/0", "error"));
    breaks("I7", () => new Teller().produces("0/0", "error"));
  });

  test("but at once where the program says so, or Kafka refuses its output", () => {
    new Teller().runs(first, "rejected").hears(first).produces("0/0", "error");
    const refused = new Teller().runs(first, "succeeded").hears(first);
    refused.tell({ type: "output-refused", record: "0/0" }).produces("0/0", "error");
  });

  test("one more run after the last attempt", () => {
    const failed = new Teller().runs(first, "failed").hears(first).runs(again, "failed").hears(again);
    breaks("I7", () => failed.launches("A-1/p_in_0_0-1.4"));
  });

  test("but not where another process had the partition meanwhile, be it a dead one of the same site", () => {
    const failed = new Teller().owns("A.1").runs(first, "failed").hears(first).runs(again, "failed").hears(again);
    failed.tell({ type: "scheduler-ended", scheduler: "A.2" }).owns("A.2").owns("A.1").launches("A-1/p_in_0_0-1.4");
  });

  test("a suspect that runs beside others", () => {
    const teller = new Teller();
    for (let launch = 1; launch <= 3; launch++) {
      teller.launches(`A-1/p_in_0_0-1.${launch}`).tell({ type: "run-destroyed", task: `A-1/p_in_0_0-1.${launch}` });
      teller.tell({ type: "loss-told", scheduler: "A.1", record: "0/0", reason: "executor-lost" });
      teller.tell({ type: "rerun-told", scheduler: "A.1", reason: "executor-lost" });
    }
    breaks("I7", () => teller.launches("A-1/p_in_0_0-1.4"));
  });

  test("an executor for one record that gets another", () => {
    const alone = new Teller().launches(first, "A.1", "p-hash.alone-1-1");
    breaks("I7", () => alone.launches(second, "A.1", "p-hash.alone-1-1"));
  });
});
