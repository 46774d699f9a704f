import { silentLogger } from "../../src/base/log.ts";
import type { ProcessorSpec } from "../../src/config/processor.ts";
import type { TrackerNote } from "../../src/engine/tracker-events.ts";
import type { TrackerOptions } from "../../src/engine/tracker-options.ts";
import { BrokenPromise } from "./checks.ts";
import { recordKey } from "./facts.ts";
import type { Broker } from "./kafka/broker.ts";
import { SimulatedInput } from "./kafka/input.ts";
import { SimulatedOutput } from "./kafka/output.ts";
import { type MasterAddress, SimulatedMasterConnection } from "./mesos/master-connection.ts";
import { SimulatedOperator } from "./mesos/operator.ts";
import type { ProcessContext } from "./process-context.ts";
import { type Disk, SimulatedStore, StoreFailedError } from "./store.ts";

/** What an ending process waits for its last calls to go out. */
const LAST_CALLS_MS = 100;

export interface SchedulerOptions {
  readonly context: ProcessContext;
  readonly site: string;
  readonly spec: ProcessorSpec;
  readonly tracker: TrackerOptions;
  readonly fetchRecords: number;
  readonly disk: Disk;
  readonly broker: Broker;
  readonly master: MasterAddress;
  /** Production code says that something is so that cannot be. */
  readonly onBroken: (error: BrokenPromise) => void;
}

/**
 * One scheduler's process: the production engine and runner, wired as src/meta/process-scheduler.ts does, with modelled
 * connections to Kafka and Mesos and a modelled disk.
 */
export class SimulatedScheduler {
  readonly #options: SchedulerOptions;
  readonly #store: SimulatedStore;
  readonly input: SimulatedInput;
  readonly output: SimulatedOutput;
  #connection: SimulatedMasterConnection | undefined;
  #engine: InstanceType<ProcessContext["machines"]["Engine"]> | undefined;
  #runner: InstanceType<ProcessContext["machines"]["FineRunner"]> | undefined;
  #stopping = false;
  readonly #ending = new AbortController();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { context, broker, disk, fetchRecords } = options;
    this.#store = new SimulatedStore(context, disk);
    this.input = new SimulatedInput(context, broker, { fetchRecords, onReceived: () => this.#observeView() });
    this.output = new SimulatedOutput(context, broker);
  }

  get name(): string {
    return this.#options.context.name;
  }

  get life(): ProcessContext["life"] {
    return this.#options.context.life;
  }

  /** undefined until the epoch of its life is stored. */
  get connection(): SimulatedMasterConnection | undefined {
    return this.#connection;
  }

  /** Where it stands, for people. */
  describe(): string {
    const { pausedBecause, inputTrouble } = this.#engine?.view() ?? {};
    const waiting = (this.#runner?.waiting() ?? []).map(({ count, reason }) => `${count} wait: ${reason}`);
    const tasks = (this.#runner?.tasks() ?? []).map(({ id, state }) => `${id} ${state}`);
    const trouble = [pausedBecause, inputTrouble, this.#runner?.status().trouble].filter((one) => one !== undefined);
    return `${this.name}: ${[...trouble, ...waiting, ...tasks].join(", ")}`;
  }

  start(): void {
    this.#start().catch((error: unknown) => {
      // Without its state it cannot begin; it is started again.
      if (error instanceof StoreFailedError) this.life.die();
      else this.#fatal(error);
    });
  }

  update(spec: ProcessorSpec): void {
    this.#runner?.update(spec);
    this.#engine?.update(spec).catch((error: unknown) => this.#fatal(error));
  }

  /** SIGTERM: settles what has ended, and leaves what runs to the next life. */
  stop(timeoutMs: number): boolean {
    const engine = this.#engine;
    if (engine === undefined || this.#stopping) return false;
    this.#stopping = true;
    this.#ending.abort(new Error("the scheduler stops"));
    const deadline = new AbortController();
    this.life.clock.schedule(timeoutMs, () => deadline.abort(new Error("stopping takes too long")));
    const finish = async (): Promise<void> => {
      await engine.stop("settle", deadline.signal).catch(() => undefined); // what is left is settled by the next life
      await engine.close({ kill: false });
      this.life.clock.schedule(LAST_CALLS_MS, () => this.life.die());
    };
    void finish();
    return true;
  }

  async #start(): Promise<void> {
    const { context, site, spec, tracker, master } = this.#options;
    const { machines, life, random } = context;
    const { clock } = life;
    const identity = await machines.takeIdentity({
      store: this.#store,
      processor: spec.name,
      wallMs: clock.wallMs(),
      lookUp: () =>
        machines.findFormerFramework({
          operator: new SimulatedOperator(context, master),
          deployment: site,
          processor: spec.name,
          clock,
          random,
          log: silentLogger,
          signal: new AbortController().signal,
          onTrouble: () => undefined,
        }),
    });
    const runner = new machines.FineRunner({
      processor: spec,
      deployment: site,
      identity,
      saveFrameworkId: (frameworkId) =>
        machines.saveIdentity(this.#store, spec.name, { frameworkId, epoch: identity.epoch }),
      executorCommand: "brigade executor",
      executorEnv: [],
      role: "brigade",
      user: "nobody",
      principal: null,
      failoverTimeoutMs: 604_800_000,
      unreachableTasks: (id, signal) => machines.unreachableTasks(new SimulatedOperator(context, master), id, signal),
      connect: (handlers) => {
        this.#connection = new SimulatedMasterConnection(context, master, handlers);
        return this.#connection;
      },
      clock,
      random,
      log: silentLogger,
      onFatal: (error) => this.#fatal(error),
    });
    this.#runner = runner;
    const { signal } = this.#ending;
    const stored = { store: this.#store, processor: spec.name, clock, random, log: silentLogger, signal };
    const versions = await machines.StoredVersions.load(stored);
    this.#engine = new machines.Engine({
      spec,
      group: site,
      input: this.input,
      output: this.output,
      runner,
      versions,
      clock,
      tracker,
      onNote: (note) => this.#noted(note),
      onFatal: (error) => this.#fatal(error),
    });
    await this.#engine.start();
  }

  #fatal(error: unknown): void {
    if (!this.life.alive || error === this.#ending.signal.reason) return;
    if (!(error instanceof this.#options.context.machines.FailedOverError)) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return this.#options.onBroken(new BrokenPromise("invariant", `${this.name}: ${message}`));
    }
    this.life.die();
  }

  #noted(note: TrackerNote): void {
    const { context } = this.#options;
    const { name: scheduler, observe, life } = context;
    if (!life.alive) return;
    if (note.type === "lost") {
      observe({ type: "loss-told", scheduler, record: recordKey(note.partition, note.offset), reason: note.reason });
    } else if (note.type === "rerun" && note.reason !== "partition-taken-over") {
      observe({ type: "rerun-told", scheduler, reason: note.reason });
    }
  }

  /** Tells the checks how the engine sees its partitions. */
  #observeView(): void {
    const { context } = this.#options;
    if (this.#engine === undefined || !context.life.alive) return;
    context.observe({ type: "view", scheduler: context.name, view: this.#engine.view() });
  }
}
