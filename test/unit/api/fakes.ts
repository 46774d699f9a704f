import type { ProcessorView, SchedulerPort, SchedulerView, TaskView } from "../../../src/api/scheduler-port.ts";
import { InputError } from "../../../src/base/errors.ts";
import type { MetricFamily } from "../../../src/base/metrics.ts";

export function processorView(name: string, more: Partial<ProcessorView> = {}): ProcessorView {
  return {
    name,
    input: `${name}-in`,
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

export class FakeScheduler implements SchedulerPort {
  view: SchedulerView = schedulerView();
  families: readonly MetricFamily[] = [];
  taskViews: readonly TaskView[] = [];
  readonly removed: (readonly string[] | "all")[] = [];

  async snapshot(): Promise<SchedulerView> {
    return this.view;
  }

  async tasks(): Promise<readonly TaskView[]> {
    return this.taskViews;
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
