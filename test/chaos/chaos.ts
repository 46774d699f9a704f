import { appendFileSync, readFileSync } from "node:fs";
import { type Random, randomInt, seededRandom } from "../../src/base/random.ts";
import { eventually, eventuallyWithProgress } from "../support/e2e/eventually.ts";
import type { World } from "../support/e2e/world.ts";
import { account } from "./account.ts";
import { BrigadeUnderTest } from "./brigade-under-test.ts";
import type { Account, Death } from "./evidence.ts";
import { judgeKafka, type KafkaAccount } from "./judge-kafka.ts";
import { KafkaSide, type ProcessorTopics } from "./kafka-side.ts";
import { ledgerProcessor, parseLedger } from "./ledger.ts";
import { Load } from "./load.ts";
import { Reruns } from "./reruns.ts";
import { describeFault, type Fault, kindOfFault, type PlannedFault, schedule, type Target } from "./schedule.ts";

export interface ChaosOptions {
  readonly seed: number;
  readonly target: Target;
  /** Instead of the schedule of seed and target. */
  readonly plan?: Iterable<PlannedFault>;
  /** Ends the faults: after so many, or once they have gone on for so long. */
  readonly faults: number;
  readonly forMs: number;
  readonly recordsPerSecond: number;
  /** How many read the topic, each for itself: with `ordering` none and key by turns. */
  readonly processors: number;
  /** What happens, for who watches. */
  readonly onProgress?: (text: string) => void;
}

export interface ChaosResult {
  readonly options: ChaosOptions;
  /** How often each kind of fault struck. */
  readonly faults: ReadonlyMap<string, number>;
  readonly kafka: KafkaAccount;
  readonly accounts: readonly Account[];
}

interface Processor extends ProcessorTopics {
  readonly ordering: "none" | "key";
}

function processorsOf(count: number): readonly Processor[] {
  return Array.from({ length: count }, (_, index) => {
    const ordering = index % 2 === 0 ? "none" : "key";
    const name = `${ordering === "none" ? "free" : "ordered"}-${index + 1}`;
    return { name, output: `${name}-out`, error: `${name}-errors`, ordering };
  });
}

function topologyOf(target: Target): "split" | "whole" | "apart" {
  if (target === "agents") return "apart";
  return target === "whole" ? "whole" : "split";
}

/**
 * Lets records flow through the compiled binary, kills and stops its processes on a schedule that the seed decides, then
 * lets it come to rest and counts. The world is left with nothing running where it all went well.
 */
export async function runChaos(world: World, options: ChaosOptions): Promise<ChaosResult> {
  const chaos = new Chaos(world, options);
  await chaos.prepare();
  const load = await Load.start(chaos.kafkaAddress, seededRandom(options.seed + 1), options.recordsPerSecond);
  await chaos.strike();
  const sent = await load.stop();
  options.onProgress?.(`${sent} records are sent, no more faults; waiting until all are settled`);
  await chaos.rest();
  const result = await chaos.judge(load.acknowledged);
  await chaos.end();
  return result;
}

class Chaos {
  readonly #world: World;
  readonly #options: ChaosOptions;
  readonly #processors: readonly Processor[];
  /** Which of several executors is struck. */
  readonly #random: Random;
  readonly #brigade: BrigadeUnderTest;
  readonly #reruns = new Reruns();
  readonly #faults = new Map<string, number>();
  /** Of each processor, in the order of its numbers in the ledger. */
  readonly #deaths: ReadonlyMap<string, Death[]>;
  #kafka: KafkaSide | undefined;
  #deathCount = 0;

  constructor(world: World, options: ChaosOptions) {
    this.#world = world;
    this.#options = options;
    this.#processors = processorsOf(options.processors);
    this.#deaths = new Map(this.#processors.map(({ name }) => [name, []]));
    this.#random = seededRandom(options.seed + 2);
    this.#brigade = new BrigadeUnderTest(world);
  }

  get kafkaAddress(): string {
    return this.#brigade.kafka;
  }

  get #side(): KafkaSide {
    this.#kafka ??= new KafkaSide(this.#world, this.#brigade.kafka);
    return this.#kafka;
  }

  get #ledger(): string {
    return this.#world.path("ledger");
  }

  async prepare(): Promise<void> {
    appendFileSync(this.#ledger, "");
    for (const { name, output, error, ordering } of this.#processors) {
      await this.#world.define(ledgerProcessor(name, this.#ledger, { input: "in", output, error }, ordering));
    }
    await this.#brigade.startEngines();
    await this.#side.createTopics(this.#processors);
    await this.#brigade.become(topologyOf(this.#options.target));
    await this.#brigade.start();
    await this.#untilRunning();
  }

  /** One fault after the other. */
  async strike(): Promise<void> {
    const deadline = performance.now() + this.#options.forMs;
    const { target, seed, faults, onProgress } = this.#options;
    const plan = this.#options.plan ?? schedule(target, seededRandom(seed));
    let count = 0;
    for (const next of plan) {
      if (count++ >= faults || performance.now() >= deadline) break;
      await this.#awaitMoment(next);
      const text = describeFault(next.fault);
      onProgress?.(text);
      appendFileSync(this.#ledger, `fault ${text}\n`);
      await this.#inject(next.fault);
      const kind = kindOfFault(next.fault);
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1);
    }
    await this.#brigade.start();
  }

  /** Everything runs again: waits until all that was sent is settled. */
  async rest(): Promise<void> {
    await this.#brigade.enginesServe();
    await eventuallyWithProgress(
      "every record is settled",
      async () => {
        const lags = [];
        for (const { name } of this.#processors) lags.push(await this.#side.lag(name));
        return lags.join(" ");
      },
      (lags) => lags !== "" && lags.split(" ").every((lag) => lag === "0"),
    );
    await this.#reruns.read(this.#brigade.api);
  }

  async judge(acknowledged: Load["acknowledged"]): Promise<ChaosResult> {
    const inputs = await this.#side.inputs();
    const ledger = parseLedger(readFileSync(this.#ledger, "utf8"));
    const accounts: Account[] = [];
    for (const topics of this.#processors) {
      accounts.push(
        account({
          processor: topics.name,
          ordering: topics.ordering,
          inputs,
          ledger,
          results: await this.#side.results(topics),
          deaths: this.#deaths.get(topics.name) ?? [],
          losses: this.#losses(topics.name),
          reruns: this.#reruns.of(topics.name),
          onlySchedulerDied: this.#options.target === "scheduler",
        }),
      );
    }
    return { options: this.#options, faults: this.#faults, kafka: judgeKafka(inputs, acknowledged), accounts };
  }

  async end(): Promise<void> {
    await this.#brigade.end();
    await this.#world.untilNothingRuns();
  }

  async #awaitMoment({ afterRecovery, pauseMs }: PlannedFault): Promise<void> {
    if (afterRecovery) {
      await this.#brigade.start();
      await this.#brigade.enginesServe();
      await this.#untilRunning();
    }
    const until = performance.now() + pauseMs;
    do {
      await this.#reruns.read(this.#brigade.api);
      await Bun.sleep(Math.min(100, Math.max(0, until - performance.now())));
    } while (performance.now() < until);
  }

  async #inject(fault: Fault): Promise<void> {
    const pick = (count: number): number => randomInt(this.#random, Math.max(1, count));
    switch (fault.type) {
      case "pause": {
        const goOn = this.#brigade.stop(fault.victim, pick);
        await Bun.sleep(fault.forMs);
        goOn();
        return;
      }
      case "kill": {
        await this.#brigade.kill(fault.victim, pick);
        await this.#recover(fault.downMs);
        return;
      }
      case "kill-in-doubt": {
        const goOn = this.#brigade.stop(fault.paused, pick);
        await Bun.sleep(fault.forMs);
        await this.#brigade.kill("scheduler", pick);
        goOn();
        await this.#recover(fault.downMs);
        return;
      }
    }
  }

  /** Looks at what a dead scheduler has left, and starts what does not start by itself. */
  async #recover(downMs: number): Promise<void> {
    const schedulerDied = this.#brigade.api === undefined;
    const death = this.#deathCount;
    if (schedulerDied) {
      appendFileSync(this.#ledger, `death ${this.#deathCount++}\n`);
      this.#reruns.died();
    }
    await Bun.sleep(downMs);
    if (schedulerDied) await this.#observeDeath(death);
    await this.#brigade.start();
  }

  /** With `whole` nobody can look in between: the engines come back together with the scheduler. */
  async #observeDeath(death: number): Promise<void> {
    const isWhole = this.#options.target === "whole";
    if (!isWhole) await this.#brigade.startEngines();
    const ledger = parseLedger(readFileSync(this.#ledger, "utf8"));
    const seen: string[] = [];
    for (const topics of this.#processors) {
      const left = isWhole
        ? { sentNotCommitted: undefined, endedNotCommitted: 0 }
        : await this.#side.observeDeath(topics, ledger);
      this.#deaths.get(topics.name)?.push(left);
      seen.push(`${topics.name} ${left.endedNotCommitted} ended, ${left.sentNotCommitted?.size ?? "?"} sent`);
    }
    this.#options.onProgress?.(`  death ${death}, not committed: ${seen.join("; ")}`);
  }

  async #untilRunning(): Promise<void> {
    await eventually("all processors run", async () => {
      const view = await this.#brigade.api?.status();
      return (
        view?.processors.length === this.#processors.length && view.processors.every(({ phase }) => phase === "running")
      );
    });
  }

  #losses(processor: string): ReadonlyMap<string, number> {
    const losses = new Map<string, number>();
    for (const entry of this.#brigade.logged("run lost; its record runs again")) {
      if (entry["processor"] !== processor) continue;
      const record = `in/${String(entry["partition"])}/${String(entry["offset"])}`;
      losses.set(record, (losses.get(record) ?? 0) + 1);
    }
    return losses;
  }
}
