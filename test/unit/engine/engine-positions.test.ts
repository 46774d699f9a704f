import { expect, test } from "bun:test";
import { Engine } from "../../../src/engine/engine.ts";
import { StaleAssignmentError, TopicRefusedError } from "../../../src/engine/errors.ts";
import type { AssignedPartition, Input, InputEvent, OffsetCommit, Positions } from "../../../src/engine/ports.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { processorSpec } from "../../support/specs.ts";
import { until } from "../../support/until.ts";

class FakeInput implements Input {
  readonly commits: (readonly OffsetCommit[])[] = [];
  readonly seeks: number[] = [];
  stale = false;
  #onEvent: (event: InputEvent) => void = () => undefined;

  async start(onEvent: (event: InputEvent) => void): Promise<void> {
    this.#onEvent = onEvent;
  }
  say(event: InputEvent): void {
    this.#onEvent(event);
  }
  assign(...partitions: AssignedPartition[]): void {
    this.say({ type: "assigned", epoch: 1, partitions });
  }
  assignOf(topicId: string | undefined, ...partitions: AssignedPartition[]): void {
    this.say({ type: "assigned", epoch: 1, partitions, topicId });
  }
  seek(_epoch: number, _partition: number, offset: number): void {
    this.seeks.push(offset);
  }
  pause(): void {}
  resume(): void {}
  async commit(_epoch: number, offsets: readonly OffsetCommit[]): Promise<void> {
    this.commits.push(offsets);
    if (this.stale) throw new StaleAssignmentError("Cannot commit: the assignment is over");
  }
  async close(): Promise<void> {}
}

class FakePositions implements Positions {
  readonly known = new Map<number, number>();
  topicId: string | undefined;
  forgotten = 0;

  of(topicId: string): void {
    this.topicId = topicId;
  }

  last(partition: number): number | undefined {
    return this.known.get(partition);
  }
  committed(offsets: readonly OffsetCommit[]): void {
    for (const { partition, offset } of offsets) this.known.set(partition, offset);
  }
  forget(): void {
    this.forgotten++;
  }
}

async function started(): Promise<{ readonly input: FakeInput; readonly positions: FakePositions }> {
  const input = new FakeInput();
  const positions = new FakePositions();
  const nothing = async (): Promise<void> => {};
  const engine = new Engine({
    spec: processorSpec(),
    group: "group",
    input,
    output: { start: nothing, send: nothing, close: nothing },
    runner: { start: nothing, run() {}, cancel() {}, release() {}, close: nothing },
    positions,
    clock: new ManualClock(),
    onFatal: (error) => {
      throw error;
    },
  });
  await engine.start();
  return { input, positions };
}

const log = { logStartOffset: 0, logEndOffset: 50 };

test("an assignment without a position in Kafka is given the remembered one", async () => {
  const { input, positions } = await started();
  positions.known.set(0, 12);
  positions.known.set(1, 13);
  input.assign(
    { partition: 0, committed: null, ...log },
    { partition: 1, committed: { offset: 4, metadata: "" }, ...log },
    { partition: 2, committed: null, ...log },
  );
  expect(input.seeks).toEqual([12, 4, 0]);
});

test("only what Kafka has confirmed is remembered", async () => {
  const { input, positions } = await started();
  input.stale = true;
  input.assign({ partition: 0, committed: null, ...log, logStartOffset: 3 });
  await until(() => input.commits.length === 1, "the start is committed");
  expect(positions.known.size).toBe(0);

  const other = await started();
  other.input.assign({ partition: 0, committed: null, ...log, logStartOffset: 3 });
  await until(() => other.positions.known.get(0) === 3, "the start is remembered");
});

test("a topic that does not exist is forgotten, one that is forbidden is not", async () => {
  const { input, positions } = await started();
  input.say({ type: "refused", error: new TopicRefusedError("in", "forbidden") });
  expect(positions.forgotten).toBe(0);
  input.say({ type: "refused", error: new TopicRefusedError("in", "it does not exist", { missing: true }) });
  expect(positions.forgotten).toBe(1);
});

test("positions of a topic that was made anew while nobody read are void, be it that they fit", async () => {
  const { input, positions } = await started();
  positions.topicId = "old";
  positions.known.set(0, 12);
  input.assignOf("new", { partition: 0, committed: null, ...log });
  expect(input.seeks).toEqual([0]);
  expect(positions.topicId).toBe("new");
});

test("a topic that is made anew while it is read is read from its start, once", async () => {
  const { input } = await started();
  const committed = { offset: 4, metadata: "" };
  input.assignOf("old", { partition: 0, committed, ...log });
  input.assignOf("new", { partition: 0, committed, ...log });
  input.assignOf("new", { partition: 0, committed: { offset: 0, metadata: "" }, ...log });
  expect(input.seeks).toEqual([4, 0, 0]);
});

test("without a topic's id nothing is said to be anew", async () => {
  const { input, positions } = await started();
  positions.topicId = "old";
  positions.known.set(0, 12);
  input.assignOf(undefined, { partition: 0, committed: null, ...log });
  input.assignOf("old", { partition: 0, committed: null, ...log });
  expect(input.seeks).toEqual([12, 12]);
});
