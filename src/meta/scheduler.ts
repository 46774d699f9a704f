import { InputError } from "../base/errors.ts";
import type { MetricFamily } from "../base/metrics.ts";
import { formatProblem, type Problem } from "../config/problem.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import {
  type DirectoryDecision,
  type DirectoryScan,
  type HeldProcessor,
  ProcessorDirectory,
  type ScanTrigger,
} from "./directory.ts";
import { KnownProcessors } from "./known-processors.ts";
import type { OffsetsSnapshot } from "./offsets-snapshot.ts";
import type { ProcessorSnapshot, TaskSnapshot } from "./snapshot.ts";
import type { SupervisorContext } from "./supervised-processor.ts";
import { type ProcessorState, Supervisor } from "./supervisor.ts";
import { DirectoryWatcher } from "./watcher.ts";

/** One reading of PROCESSOR_DIR: what it means to the directory, and what a person is told of it. */
export interface DirectoryReading {
  readonly scan: DirectoryScan;
  readonly problems: readonly Problem[];
  /** There is nothing at that path at all. */
  readonly missing: boolean;
}

export interface MetaSchedulerOptions extends Omit<SupervisorContext, "onPhase" | "onRemoved"> {
  readonly readDirectory: () => Promise<DirectoryReading>;
  /** PROCESSOR_DIR need not exist as long as there is no processor: that is no mistake then. */
  readonly mayBeginWithout?: boolean;
}

export interface SchedulerSnapshot {
  readonly deployment: string;
  readonly version: string;
  readonly uptimeMs: number;
  readonly directory: { readonly path: string; readonly readable: boolean };
  readonly processors: readonly ProcessorSnapshot[];
  /** Mistakes in the processor files. */
  readonly problems: readonly Problem[];
  /** Processors whose definition is gone and that run on until that is certain, or confirmed. */
  readonly held: readonly HeldProcessor[];
}

/** Keeps one Worker per definition in PROCESSOR_DIR. Does no work per record. */
export class MetaScheduler {
  readonly #options: MetaSchedulerOptions;
  readonly #supervisor: Supervisor;
  readonly #watcher: DirectoryWatcher;
  readonly #known: KnownProcessors;
  /** By name, what is stored: what runs, and what is not wholly removed yet. */
  readonly #specs = new Map<string, ProcessorSpec>();
  #directory = new ProcessorDirectory();
  #reading: DirectoryReading = { scan: { kind: "unreadable" }, problems: [], missing: false };
  #held: readonly HeldProcessor[] = [];
  #reported = new Set<string>();
  readonly #waitingToRun = new Set<() => void>();
  #startedMs: number | undefined;

  constructor(options: MetaSchedulerOptions) {
    this.#options = options;
    const { settings, clock, log, store } = options;
    this.#supervisor = new Supervisor({
      ...options,
      onPhase: () => this.#wakeWaiting(),
      onRemoved: (name) => this.#onRemoved(name),
    });
    this.#known = new KnownProcessors(store, log);
    this.#watcher = new DirectoryWatcher({
      path: settings.processorDir,
      pollMs: settings.processorPollMs,
      clock,
      log,
      onChange: (trigger) => this.#onChange(trigger),
    });
  }

  /** Resolves when the first reading of PROCESSOR_DIR is acted on; the Workers are then still starting. */
  async start(): Promise<void> {
    this.#startedMs = this.#options.clock.monotonicMs();
    const known = await this.#known.load();
    this.#directory = new ProcessorDirectory(known);
    for (const spec of known) this.#specs.set(spec.name, spec);
    await this.#watcher.start();
    // Those that the first reading did not mention run on until it is certain that they are gone.
    for (const spec of known) if (!this.#supervisor.has(spec.name)) this.#supervisor.run(spec);
  }

  /**
   * Ends every Worker. By default tasks run on, and the next start adopts them; that takes STOP_TIMEOUT at most.
   * `wait` takes nothing new and waits for what runs; `kill` ends it. May be called again to be more urgent.
   */
  async stop({ kill = false, wait = false }: { kill?: boolean; wait?: boolean } = {}): Promise<void> {
    const { stopTimeoutMs } = this.#options.settings;
    const closed = this.#watcher.close();
    if (kill) await this.#supervisor.stopAll("kill", stopTimeoutMs);
    else if (wait) await this.#supervisor.stopAll("drain", Number.POSITIVE_INFINITY);
    else await this.#supervisor.stopAll("keep", stopTimeoutMs);
    await closed;
  }

  async snapshot(): Promise<SchedulerSnapshot> {
    const { settings, deployment, clock } = this.#options;
    return {
      deployment: settings.deployment,
      version: deployment.version,
      uptimeMs: clock.monotonicMs() - (this.#startedMs ?? clock.monotonicMs()),
      directory: { path: settings.processorDir, readable: this.#reading.scan.kind === "ok" },
      processors: await this.#supervisor.snapshots(),
      problems: this.#reading.problems,
      held: this.#held,
    };
  }

  tasks(): Promise<readonly TaskSnapshot[]> {
    return this.#supervisor.tasks();
  }

  /** @returns undefined where there is no such processor */
  offsets(processor: string): Promise<OffsetsSnapshot | undefined> {
    return this.#supervisor.offsets(processor);
  }

  metrics(): Promise<readonly MetricFamily[]> {
    return this.#supervisor.metrics();
  }

  /**
   * Removes what is held back. Returns the names.
   *
   * @throws {InputError} one of the names is unknown, or still defined; nothing is removed
   */
  async confirmRemoval(names: readonly string[] | "all"): Promise<readonly string[]> {
    if (names !== "all") this.#checkRemovable(names);
    const { decisions, held } = this.#directory.confirm(names);
    this.#held = held;
    await this.#carryOut(decisions);
    return decisions.map((decision) => (decision.type === "remove" ? decision.name : decision.spec.name));
  }

  /** Names of the processors that do not run yet, with what keeps them. */
  notRunning(): readonly ProcessorState[] {
    return this.#supervisor.states().filter(({ phase }) => phase !== "running");
  }

  /** Resolves once every processor that is known now runs, or was removed. */
  async untilRunning(signal: AbortSignal): Promise<void> {
    while (this.notRunning().length > 0) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#waitingToRun.delete(done);
          signal.removeEventListener("abort", done);
          resolve();
        };
        this.#waitingToRun.add(done);
        signal.addEventListener("abort", done, { once: true });
      });
    }
  }

  #checkRemovable(names: readonly string[]): void {
    for (const name of names) {
      if (this.#held.some((held) => held.name === name)) continue;
      throw new InputError(`Cannot remove processor ${name}: ${this.#whyNotRemovable(name)}`);
    }
  }

  #whyNotRemovable(name: string): string {
    if (!this.#specs.has(name)) return "there is none of that name";
    if (!this.#directory.has(name)) return "it is being removed already";
    return `it is defined in ${this.#options.settings.processorDir}, must be deleted there`;
  }

  async #onChange(trigger: ScanTrigger): Promise<void> {
    this.#reading = await this.#read();
    this.#report(this.#reading.problems);
    const step = this.#directory.step(this.#reading.scan, trigger);
    this.#reportHeld(step.held);
    await this.#carryOut(step.decisions);
  }

  async #read(): Promise<DirectoryReading> {
    const { readDirectory, mayBeginWithout = false } = this.#options;
    const reading = await readDirectory();
    if (!reading.missing || !mayBeginWithout || this.#specs.size > 0) return reading;
    return { ...reading, scan: { kind: "ok", processors: [], broken: false }, problems: [] };
  }

  async #carryOut(decisions: readonly DirectoryDecision[]): Promise<void> {
    for (const decision of decisions) {
      if (decision.type !== "remove") this.#specs.set(decision.spec.name, decision.spec);
    }
    if (decisions.some(({ type }) => type !== "remove")) await this.#save();
    for (const decision of decisions) {
      switch (decision.type) {
        case "start":
        case "update":
          this.#options.log.info("processor definition applies", {
            processor: decision.spec.name,
            change: decision.type,
            version: decision.spec.version,
          });
          this.#supervisor.run(decision.spec);
          break;
        case "remove":
          this.#options.log.info("processor is removed", { processor: decision.name });
          this.#supervisor.remove(decision.name);
          break;
      }
    }
  }

  #onRemoved(name: string): void {
    this.#specs.delete(name);
    this.#options.log.info("processor was removed", { processor: name });
    void this.#save();
    this.#wakeWaiting();
  }

  #wakeWaiting(): void {
    for (const wake of this.#waitingToRun) wake();
  }

  async #save(): Promise<void> {
    try {
      await this.#known.save(this.#specs.values());
    } catch (error) {
      // What runs is more than what is stored: only a removal while we are down could go unnoticed.
      this.#options.log.error("list of processors could not be stored", { error });
    }
  }

  /** Each mistake once, as long as it lasts. */
  #report(problems: readonly Problem[]): void {
    const lines = new Map(problems.map((problem) => [formatProblem(problem), problem]));
    for (const [line, { severity, file, path }] of lines) {
      if (this.#reported.has(line)) continue;
      if (severity === "error") this.#options.log.error("processor file has a mistake", { file, path, problem: line });
      else this.#options.log.warn("processor file may be mistaken", { file, path, problem: line });
    }
    this.#reported = new Set(lines.keys());
  }

  #reportHeld(held: readonly HeldProcessor[]): void {
    for (const { name, reason } of held) {
      if (this.#held.some((before) => before.name === name && before.reason === reason)) continue;
      this.#options.log.warn("processor has no definition and runs on", { processor: name, reason });
    }
    this.#held = held;
  }
}
