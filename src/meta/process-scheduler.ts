import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { MetricFamily } from "../base/metrics.ts";
import type { Random } from "../base/random.ts";
import { consumerGroup } from "../config/names.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import type { Settings } from "../config/settings.ts";
import { Engine } from "../engine/engine.ts";
import { FailedOverError } from "../framework/errors.ts";
import { FineRunner } from "../framework/fine-runner.ts";
import { KafkaAdmin, type KafkaAdminOptions } from "../kafka/admin.ts";
import { KafkaInput } from "../kafka/input.ts";
import { KafkaOutput } from "../kafka/output.ts";
import type { StateStore } from "../state/store.ts";
import { findFormerFramework } from "./former-framework.ts";
import { forgetIdentity, type Identity, saveIdentity, takeIdentity } from "./identity.ts";
import { logNote } from "./log-note.ts";
import { MesosMaster } from "./mesos-master.ts";
import { type OffsetsSnapshot, offsetsLimits, partitionOffsets } from "./offsets-snapshot.ts";
import { processorMetrics } from "./process-metrics.ts";
import { processorSnapshot, taskSnapshots, waitingSnapshots } from "./process-snapshot.ts";
import type { Deployment, StopMode } from "./protocol.ts";
import type { ProcessorPhase, ProcessorSnapshot, TaskSnapshot } from "./snapshot.ts";
import { forgetMember, StoredMember } from "./stored-member.ts";
import { forgetPositions, StoredPositions } from "./stored-positions.ts";
import { forgetVersions, StoredVersions } from "./stored-versions.ts";
import { TopicLimitsWatch } from "./topic-limits-watch.ts";
import { unreachableTasks } from "./unreachable-tasks.ts";
import { untilTopicsUsable } from "./usable-topics.ts";

export interface ProcessSchedulerOptions {
  readonly settings: Settings;
  readonly spec: ProcessorSpec;
  readonly deployment: Deployment;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly onPhase: (phase: ProcessorPhase, reason: string | null) => void;
  /** It cannot go on. `restart`: whether a new one may, and would help. */
  readonly onFatal: (error: Error, restart: boolean) => void;
}

/** How often the phase is looked at: it is made of what three parts say. */
const PHASE_INTERVAL_MS = 250;
/** From the cancelling of runs to their ends. */
const CANCEL_TIMEOUT_MS = 10_000;
const ASK_TO_TEAR_DOWN_MS = 20_000;

type Phase = readonly [phase: ProcessorPhase, reason: string | null];
const STARTING: Phase = ["starting", null];

interface Parts {
  readonly engine: Engine;
  readonly runner: FineRunner;
  readonly positions: StoredPositions;
  readonly versions: StoredVersions;
  readonly member: StoredMember;
  readonly limits: TopicLimitsWatch;
}

/**
 * One processor's scheduler: a Mesos framework, a member of a consumer group, and the engine between them.
 *
 * Its work begins once its topics exist (made where `TOPICS_CREATE` says so) and the epoch of this life is stored.
 */
export class ProcessScheduler {
  readonly #options: ProcessSchedulerOptions;
  readonly #stopping = new AbortController();
  readonly #master: MesosMaster;
  #spec: ProcessorSpec;
  #parts: Parts | undefined;
  #starting: Promise<void> | undefined;
  /** What keeps it from its work, as its phase; null where that is up to its parts. */
  #trouble: Phase | null = STARTING;
  #ending: "no" | "draining" | "stopped" = "no";
  #changing = false;
  #cancelPhaseTimer: () => void = () => undefined;
  #lastPhase = "";

  constructor(options: ProcessSchedulerOptions) {
    this.#options = options;
    this.#master = new MesosMaster(options);
    this.#spec = options.spec;
  }

  /** Resolves when all is under way; {@link ProcessSchedulerOptions.onPhase} tells how far it has come. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    this.#watchPhase();
    return this.#starting;
  }

  /** For runs that are decided from now on; what cannot change at a record's boundary drains first. */
  update(spec: ProcessorSpec): void {
    const former = this.#spec;
    this.#spec = spec;
    this.#options.log.info("specification changed", { version: spec.version });
    this.#starting = (this.#starting ?? Promise.resolve()).then(() => this.#apply(former, spec));
    this.#starting.catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) this.#options.onFatal(asError(error), true);
    });
  }

  /** Ends this life of the processor; its framework stays, and tasks that run are adopted by the next. */
  async stop(mode: StopMode, timeoutMs: number): Promise<void> {
    const parts = await this.#end();
    if (parts === undefined) return this.#master.close();
    const deadline = AbortSignal.timeout(clampTimeout(timeoutMs));
    try {
      // Killed runs end as well, and their end is settled like any other.
      if (mode === "kill") parts.runner.killAll();
      await parts.engine.stop(mode === "keep" ? "settle" : "finish", deadline);
    } catch (error) {
      if (!deadline.aborted) throw error;
      this.#options.log.warn("stopping before everything is settled; it is settled by the next start", { timeoutMs });
    }
    await close(parts, { kill: false });
    await this.#ended();
  }

  /** Finishes what was read, then leaves nothing behind: no member of the group, no framework, no state. */
  async remove(timeoutMs: number): Promise<void> {
    const parts = await this.#end();
    if (parts === undefined) {
      await this.#tearDownFormerLife();
    } else {
      const deadline = AbortSignal.timeout(clampTimeout(timeoutMs));
      try {
        await parts.engine.stop("drain", deadline);
      } catch (error) {
        if (!deadline.aborted) throw error;
        this.#options.log.warn("removed before everything was drained; what is left stays unsettled", { timeoutMs });
      }
      // Closing with `kill` tears the framework down.
      await close(parts, { kill: true });
    }
    await forgetMember(this.#options.store, this.#spec.name);
    await forgetPositions(this.#options.store, this.#spec.name);
    await forgetVersions(this.#options.store, this.#spec.name);
    await forgetIdentity(this.#options.store, this.#spec.name);
    await this.#ended();
  }

  /** It never got as far as to subscribe (its topics are missing, say), but its framework may be there from before. */
  async #tearDownFormerLife(): Promise<void> {
    const identity = await this.#takeFormerIdentity();
    if (identity?.frameworkId === undefined) return;
    const runner = this.#newRunner(identity);
    await runner.start(() => undefined);
    await runner.close({ kill: true });
  }

  /** undefined: none is stored, and no master answers whether there is one. */
  async #takeFormerIdentity(): Promise<Identity | undefined> {
    const deadline = AbortSignal.timeout(ASK_TO_TEAR_DOWN_MS);
    try {
      return await this.#takeIdentity(deadline);
    } catch (error) {
      if (!deadline.aborted) throw error;
      this.#options.log.warn("no Mesos master tells whether there is a framework to tear down", { error });
      return undefined;
    }
  }

  snapshot(): ProcessorSnapshot {
    const [phase, reason] = this.#phase();
    const { clock } = this.#options;
    const parts = this.#parts && { view: this.#parts.engine.view(), runner: this.#parts.runner };
    return processorSnapshot(this.#spec, this.#group, phase, reason, parts, clock.monotonicMs());
  }

  offsets(): OffsetsSnapshot {
    const [phase, reason] = this.#phase();
    const { clock } = this.#options;
    const { name, input } = this.#spec;
    const base = { processor: name, topic: input, group: this.#group, phase, reason, waiting: [], partitions: [] };
    if (this.#parts === undefined) return base;
    const { engine, runner } = this.#parts;
    const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    return {
      ...base,
      waiting: waitingSnapshots(engine.view(), runner),
      partitions: partitionOffsets(engine.offsets(offsetsLimits), runner.tasks(), now),
    };
  }

  tasks(): readonly TaskSnapshot[] {
    if (this.#parts === undefined) return [];
    return taskSnapshots(this.#spec.name, this.#parts.runner, this.#options.clock.wallMs());
  }

  metrics(): readonly MetricFamily[] {
    if (this.#parts === undefined) return [];
    const { engine, runner } = this.#parts;
    return processorMetrics(this.#spec.name, engine.view(), runner.counters());
  }

  async #apply(former: ProcessorSpec, spec: ProcessorSpec): Promise<void> {
    const parts = this.#parts;
    if (this.#stopping.signal.aborted || parts === undefined) return;
    if (!drainsFirst(former, spec)) {
      parts.runner.update(spec);
      await parts.engine.update(spec);
      // Its topics may be new ones; until they are there, what is sent to them waits.
      await this.#untilTopicsUsable();
      this.#trouble = null;
      await parts.limits.look();
      return;
    }
    const deadline = AbortSignal.timeout(clampTimeout(spec.drainTimeoutMs));
    this.#changing = true;
    try {
      await parts.engine.stop("drain", AbortSignal.any([deadline, this.#stopping.signal]));
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      if (!deadline.aborted) throw error;
      this.#options.log.warn("changed before everything was drained; what runs is cancelled, its records run again");
      await this.#cancelAll(parts);
    } finally {
      this.#changing = false;
    }
    this.#parts = undefined;
    this.#trouble = STARTING;
    await close(parts, { kill: false });
    await this.#start();
  }

  /** Ends what runs, and settles what it had come to. */
  async #cancelAll({ engine, runner }: Parts): Promise<void> {
    const deadline = AbortSignal.timeout(CANCEL_TIMEOUT_MS);
    runner.killAll();
    try {
      await engine.stop("finish", deadline);
    } catch (error) {
      // Whatever is out of reach is found, or counted as lost, later.
      if (!deadline.aborted) throw error;
    }
  }

  async #start(): Promise<void> {
    const { store, clock, random, log } = this.#options;
    const absent = await this.#untilTopicsUsable();
    const { name: processor, input: topic } = this.#spec;
    const positions = await StoredPositions.load({ store, processor, group: this.#group, topic, clock, log });
    if (absent.has(topic)) positions.forget();
    const { signal } = this.#stopping;
    const versions = await StoredVersions.load({ store, processor, clock, random, log, signal });
    const member = await StoredMember.load({ store, processor, group: this.#group, log });
    this.#trouble = STARTING;
    const identity = await this.#takeIdentity(this.#stopping.signal);
    const kafka = this.#kafka;
    const group = this.#group;
    const runner = this.#newRunner(identity);
    const engine = new Engine({
      spec: this.#spec,
      group,
      input: new KafkaInput({ kafka, topic: this.#spec.input, group, memory: member, clock, random, log }),
      output: new KafkaOutput({ kafka, clock, random, log }),
      runner,
      positions,
      versions,
      clock,
      onNote: (note) => logNote(note, log),
      onFatal: (error) => this.#options.onFatal(asError(error), true),
    });
    const limits = new TopicLimitsWatch({
      admin: this.#admin,
      topics: () => [...versions.known, this.#spec].flatMap(({ output, error }) => withoutNull([output, error?.topic])),
      onLimits: (maxMessageBytes) => engine.topicLimits(maxMessageBytes),
      clock,
      log,
    });
    await limits.look();
    this.#parts = { engine, runner, positions, versions, member, limits };
    this.#trouble = null;
    log.info("processor starts", { group, epoch: identity.epoch, frameworkId: identity.frameworkId ?? "new" });
    await engine.start();
  }

  async #takeIdentity(signal: AbortSignal): Promise<Identity> {
    const { settings, store, clock, random, log } = this.#options;
    const { name: processor } = this.#spec;
    return takeIdentity({
      store,
      processor,
      lookUp: () =>
        findFormerFramework({
          operator: this.#master.operator,
          deployment: settings.deployment,
          processor,
          clock,
          random,
          log,
          signal,
          onTrouble: (trouble) => {
            this.#trouble = ["starting", trouble];
          },
        }),
      wallMs: clock.wallMs(),
    });
  }

  get #admin(): KafkaAdmin {
    const { clock, log } = this.#options;
    return new KafkaAdmin({ kafka: this.#kafka, clock, log });
  }

  get #kafka(): KafkaAdminOptions["kafka"] {
    return { brokers: this.#options.settings.kafkaAddress, clientId: `brigade-${this.#spec.name}` };
  }

  get #group(): string {
    return consumerGroup(this.#options.settings.deployment, this.#spec);
  }

  #newRunner(identity: Identity): FineRunner {
    const { settings, deployment, store, clock, random, log } = this.#options;
    const { name } = this.#spec;
    return new FineRunner({
      processor: this.#spec,
      deployment: settings.deployment,
      identity,
      saveFrameworkId: (frameworkId) => saveIdentity(store, name, { frameworkId, epoch: identity.epoch }),
      executorCommand: deployment.executorCommand,
      executorEnv: deployment.executorEnv,
      role: settings.mesosRole,
      user: settings.mesosUser,
      principal: settings.mesosPrincipal,
      failoverTimeoutMs: settings.failoverTimeoutMs,
      ...(deployment.webuiUrl === null ? {} : { webuiUrl: deployment.webuiUrl }),
      unreachableTasks: (frameworkId, signal) => unreachableTasks(this.#master.operator, frameworkId, signal),
      connect: this.#master.connect,
      // Another scheduler took over: to subscribe again would throw that one out, and so on for ever.
      onFatal: (error) => this.#options.onFatal(asError(error), !(error instanceof FailedOverError)),
      clock,
      random,
      log,
    });
  }

  /**
   * A missing topic pauses the processor with that reason, or is made (DESIGN: topics are never made silently).
   *
   * @returns those that were missing
   */
  async #untilTopicsUsable(): Promise<ReadonlySet<string>> {
    const { settings, clock, random, log } = this.#options;
    const absent = new Set<string>();
    await untilTopicsUsable({
      admin: this.#admin,
      topics: () => topicsOf(this.#spec),
      create: settings.topicsCreate,
      clock,
      random,
      signal: this.#stopping.signal,
      onAbsent: (topics) => {
        for (const topic of topics) absent.add(topic);
      },
      onTrouble: (trouble) => {
        this.#trouble = ["paused", trouble];
        log.warn("topics are not usable yet", { reason: trouble });
      },
    });
    return absent;
  }

  async #end(): Promise<Parts | undefined> {
    this.#ending = "draining";
    this.#stopping.abort(new Error("the processor is stopping"));
    // A start that was interrupted rejects with our own reason; any other error was reported by its caller.
    await this.#starting?.catch(() => undefined);
    return this.#parts;
  }

  async #ended(): Promise<void> {
    this.#ending = "stopped";
    this.#cancelPhaseTimer();
    await this.#master.close();
  }

  #watchPhase(): void {
    const [phase, reason] = this.#phase();
    if (`${phase} ${reason}` !== this.#lastPhase) this.#options.onPhase(phase, reason);
    this.#lastPhase = `${phase} ${reason}`;
    this.#cancelPhaseTimer = this.#options.clock.schedule(PHASE_INTERVAL_MS, () => this.#watchPhase());
  }

  #phase(): Phase {
    if (this.#ending === "stopped") return ["stopped", null];
    if (this.#ending === "draining") return ["draining", null];
    if (this.#changing) return ["draining", "what was read before the change is finished first"];
    if (this.#parts === undefined || this.#trouble !== null) return this.#trouble ?? STARTING;
    const { pausedBecause, inputTrouble, assigned } = this.#parts.engine.view();
    const status = this.#parts.runner.status();
    if (pausedBecause !== undefined) return ["paused", pausedBecause];
    if (inputTrouble !== undefined) return ["paused", inputTrouble];
    if (status.trouble !== undefined) return [status.connected ? "paused" : "starting", status.trouble];
    if (!assigned || !status.connected) return ["starting", null];
    return ["running", status.hostTrouble ?? null];
  }
}

function topicsOf({ input, output, error }: ProcessorSpec): readonly string[] {
  return withoutNull([input, output, error?.topic]);
}

function withoutNull(topics: readonly (string | null | undefined)[]): readonly string[] {
  return topics.filter((topic) => topic !== null && topic !== undefined);
}

async function close(parts: Parts, how: { readonly kill: boolean }): Promise<void> {
  const { engine, positions, versions, member, limits } = parts;
  limits.close();
  await engine.close(how);
  await member.close();
  await positions.close();
  await versions.close();
}

/** Whether records of the two cannot live beside each other: another input, another group, another order. */
function drainsFirst(former: ProcessorSpec, spec: ProcessorSpec): boolean {
  return former.input !== spec.input || former.group !== spec.group || former.ordering !== spec.ordering;
}

/** Timers take 2^31 − 1 ms at most; `Infinity` stands for no limit. */
function clampTimeout(ms: number): number {
  return Math.min(Math.max(0, Math.ceil(ms)), 2_147_483_647);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
