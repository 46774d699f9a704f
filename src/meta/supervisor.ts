import type { MetricFamily } from "../base/metrics.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import { mergeFamilies } from "./merge-families.ts";
import type { OffsetsSnapshot } from "./offsets-snapshot.ts";
import type { StopMode } from "./protocol.ts";
import type { ProcessorPhase, ProcessorSnapshot, TaskSnapshot } from "./snapshot.ts";
import { SupervisedProcessor, type SupervisorContext } from "./supervised-processor.ts";

/** How far a processor is, without asking its Worker. */
export interface ProcessorState {
  readonly name: string;
  readonly phase: ProcessorPhase;
  readonly reason: string | null;
}

/** One Worker per processor: starts, updates, removes and stops them, and asks them all at once. */
export class Supervisor {
  readonly #context: SupervisorContext;
  readonly #processors = new Map<string, SupervisedProcessor>();
  readonly #onAllEnded: (() => void)[] = [];

  constructor(context: SupervisorContext) {
    this.#context = context;
  }

  /** Starts the processor, or gives it its new specification. */
  run(spec: ProcessorSpec): void {
    const known = this.#processors.get(spec.name);
    if (known !== undefined) {
      known.update(spec);
      return;
    }
    const processor = new SupervisedProcessor(this.#context, spec, (removed) => this.#onEnded(spec.name, removed));
    this.#processors.set(spec.name, processor);
    processor.start();
  }

  /** Does nothing where there is no such processor. */
  remove(name: string): void {
    this.#processors.get(name)?.remove();
  }

  has(name: string): boolean {
    return this.#processors.has(name);
  }

  states(): readonly ProcessorState[] {
    return [...this.#processors].map(([name, { phase, reason }]) => ({ name, phase, reason }));
  }

  /** Sorted by name. Never fails: a Worker that does not answer is shown as it was. */
  async snapshots(): Promise<readonly ProcessorSnapshot[]> {
    const snapshots = await Promise.all([...this.#processors.values()].map((processor) => processor.snapshot()));
    return snapshots.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @returns undefined where there is no such processor */
  async offsets(name: string): Promise<OffsetsSnapshot | undefined> {
    return this.#processors.get(name)?.offsets();
  }

  /** Of the Workers that answer. */
  async tasks(): Promise<readonly TaskSnapshot[]> {
    return (await this.#askAll((processor) => processor.tasks())).flat();
  }

  /** Of the Workers that answer; families of one name become one. */
  async metrics(): Promise<readonly MetricFamily[]> {
    return mergeFamilies((await this.#askAll((processor) => processor.metrics())).flat());
  }

  /** Resolves once all threads are gone. May be called again, to be more urgent. */
  async stopAll(mode: StopMode, timeoutMs: number): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#onAllEnded.push(resolve));
    for (const processor of this.#processors.values()) processor.stop(mode, timeoutMs);
    this.#checkAllEnded();
    await ended;
  }

  async #askAll<T>(ask: (processor: SupervisedProcessor) => Promise<T>): Promise<readonly T[]> {
    const results = await Promise.allSettled([...this.#processors.values()].map(ask));
    const answers: T[] = [];
    for (const result of results) {
      if (result.status === "fulfilled") answers.push(result.value);
      else this.#context.log.warn("a processor did not answer", { error: result.reason });
    }
    return answers;
  }

  #onEnded(name: string, removed: boolean): void {
    this.#processors.delete(name);
    if (removed) this.#context.onRemoved(name);
    this.#checkAllEnded();
  }

  #checkAllEnded(): void {
    if (this.#processors.size > 0) return;
    for (const resolve of this.#onAllEnded.splice(0)) resolve();
  }
}
