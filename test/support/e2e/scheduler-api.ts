import type { ProcessorView, SchedulerView, TaskView } from "../../../src/api/scheduler-port.ts";
import type { Problem } from "../../../src/config/problem.ts";
import { eventually, eventuallyWithProgress } from "./eventually.ts";

/** Asks a running scheduler's REST API. */
export class SchedulerApi {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  status(): Promise<SchedulerView> {
    return this.#json("/api/v1/status");
  }

  tasks(): Promise<readonly TaskView[]> {
    return this.#json("/api/v1/tasks");
  }

  async problems(): Promise<readonly Problem[]> {
    return (await this.#json<{ problems: readonly Problem[] }>("/api/v1/problems")).problems;
  }

  /** Undefined where there is none of that name. */
  async processor(name: string): Promise<ProcessorView | undefined> {
    return (await this.status()).processors.find((processor) => processor.name === name);
  }

  untilRunning(name: string): Promise<ProcessorView> {
    return this.#until(`${name} runs`, name, ({ phase }) => phase === "running");
  }

  untilPaused(name: string, reason: RegExp): Promise<ProcessorView> {
    return this.#until(
      `${name} pauses: ${reason}`,
      name,
      (one) => one.phase === "paused" && reason.test(one.reason ?? ""),
    );
  }

  /** Waits until the commit watermark has passed so many records of the input topic, and nothing is open. */
  async untilSettled(name: string, records: number): Promise<ProcessorView> {
    let settled: ProcessorView | undefined;
    await eventuallyWithProgress(
      `${name} has settled ${records} records`,
      async () => {
        const now = await this.processor(name);
        if (now !== undefined && settledRecords(now) >= records && now.inFlight === 0) settled = now;
        return now === undefined ? "not there" : `${settledRecords(now)} settled, ${now.inFlight} open`;
      },
      () => settled !== undefined,
    );
    if (settled === undefined) throw new Error(`${name} is not settled`);
    return settled;
  }

  /** Waits until another definition than that of `version` runs. */
  untilChanged(name: string, version: string): Promise<ProcessorView> {
    return this.#until(`${name} changes`, name, (now) => now.version !== version && now.phase === "running");
  }

  async untilGone(name: string): Promise<void> {
    await eventually(`${name} is gone`, async () => (await this.processor(name)) === undefined);
  }

  #until(what: string, name: string, condition: (processor: ProcessorView) => boolean): Promise<ProcessorView> {
    return eventually(what, async () => {
      const processor = await this.processor(name);
      return processor !== undefined && condition(processor) && processor;
    });
  }

  async #json<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`);
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }
}

export function settledRecords({ partitions }: ProcessorView): number {
  return partitions.reduce((sum, { committed }) => sum + (committed ?? 0), 0);
}
