import type {
  OffsetsView,
  PartitionOffsetsView,
  ProcessorView,
  SchedulerPort,
  SchedulerView,
  TaskView,
} from "../../../src/api/scheduler-port.ts";
import { InputError } from "../../../src/base/errors.ts";
import type { MetricFamily } from "../../../src/base/metrics.ts";

export function processorView(name: string, more: Partial<ProcessorView> = {}): ProcessorView {
  return {
    name,
    input: `${name}-in`,
    group: `BrigadeProc-${name}-in-${name}`,
    output: `${name}-out`,
    error: null,
    program: "cat",
    version: "1a2b3c4d",
    phase: "running",
    reason: null,
    framework: { id: "f-0001", connected: true },
    counters: { recordsIn: 10, recordsOut: 7, errors: 2, failedAttempts: 5, reruns: {}, launches: 12 },
    inFlight: 1,
    runs: 1,
    waiting: [],
    partitions: [{ partition: 0, committed: 9, end: 12, lag: 3, watermarkHeldBy: null }],
    latency: { p50Ms: 12, p99Ms: 250 },
    ratePerS: 3.5,
    ...more,
  };
}

export function schedulerView(more: Partial<SchedulerView> = {}): SchedulerView {
  return {
    deployment: "brigade",
    version: "0.1.0",
    uptimeMs: 61_000,
    directory: { path: "/etc/brigade/processors", readable: true },
    processors: [processorView("a")],
    problems: [],
    held: [],
    ...more,
  };
}

/** Partition 0 with a record that holds the watermark and one behind it. */
export function partitionOffsetsView(more: Partial<PartitionOffsetsView> = {}): PartitionOffsetsView {
  const record = {
    attempts: 0,
    forMs: 500,
    retryInMs: null,
    behind: null,
    waitsFor: null,
    lastTrouble: null,
    tasks: [],
  };
  const task = { taskId: "a_a-in_0_9-3.17", state: "running", agent: "agent-1", forMs: 90_000 } as const;
  return {
    partition: 0,
    committed: 9,
    end: 40,
    lag: 31,
    watermark: 9,
    settledAbove: {
      records: 12,
      runs: 3,
      firstRuns: [
        { first: 10, last: 19 },
        { first: 21, last: 21 },
      ],
    },
    uncommitted: 2,
    inFlight: 2,
    oldest: [
      {
        ...record,
        offset: 9,
        state: "running",
        attempts: 1,
        forMs: 723_400,
        lastTrouble: "exit code 3",
        tasks: [task],
      },
      { ...record, offset: 20, state: "blocked", behind: 9 },
    ],
    position: 30,
    notRead: null,
    ...more,
  };
}

export function offsetsView(more: Partial<OffsetsView> = {}): OffsetsView {
  return {
    processor: "a",
    topic: "a-in",
    group: "BrigadeProc-a-in-a",
    phase: "running",
    reason: null,
    waiting: [],
    partitions: [partitionOffsetsView()],
    ...more,
  };
}

export class FakeScheduler implements SchedulerPort {
  view: SchedulerView = schedulerView();
  families: readonly MetricFamily[] = [];
  taskViews: readonly TaskView[] = [];
  offsetsView: OffsetsView = offsetsView();
  readonly removed: (readonly string[] | "all")[] = [];

  async snapshot(): Promise<SchedulerView> {
    return this.view;
  }

  async tasks(): Promise<readonly TaskView[]> {
    return this.taskViews;
  }

  async offsets(processor: string): Promise<OffsetsView | undefined> {
    return this.offsetsView.processor === processor ? this.offsetsView : undefined;
  }

  async metrics(): Promise<readonly MetricFamily[]> {
    return this.families;
  }

  async confirmRemoval(names: readonly string[] | "all"): Promise<readonly string[]> {
    const held = this.view.held.map(({ name }) => name);
    if (names !== "all" && !names.every((name) => held.includes(name))) {
      throw new InputError(`Cannot remove processor ${names.join()}: it is defined, must be deleted there`);
    }
    this.removed.push(names);
    return names === "all" ? held : names;
  }
}
