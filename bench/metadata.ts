/**
 * What it costs to keep, in each commit's metadata, what is settled above the commit watermark: records/s and CPU of the
 * engine between a real input and a real output, with the metadata and without.
 *
 * The programs are left out, so that this is the most that it can cost: a run ends at once, in no order, and one in a
 * hundred holds the watermark back until 500 others have ended.
 */

import { rmSync } from "node:fs";
import { startLocalBrigade } from "../scripts/lib/local-brigade.ts";
import { noBytes } from "../src/base/bytes.ts";
import { systemClock } from "../src/base/clock.ts";
import { silentLogger } from "../src/base/log.ts";
import { randomInt, systemRandom } from "../src/base/random.ts";
import { parseHostPorts } from "../src/config/addresses.ts";
import { Engine } from "../src/engine/engine.ts";
import type { Input, OffsetCommit, Run, Runner, RunnerEvent } from "../src/engine/ports.ts";
import { defaultTrackerOptions } from "../src/engine/tracker-options.ts";
import { KafkaAdmin } from "../src/kafka/admin.ts";
import { KafkaInput } from "../src/kafka/input.ts";
import { KafkaOutput } from "../src/kafka/output.ts";
import { processorSpec } from "../test/support/specs.ts";
import { brigadeCpu } from "./process-cpu.ts";
import { report, spread } from "./support.ts";

const RECORDS = Number(process.env.BENCH_RECORDS ?? 200_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 15);
const CONCURRENCY = 64;
const ENDS_A_TURN = 8;
const SLOW_ONE_IN = 100;
const SLOW_FOR = 500;

/** Ends what it is given without doing anything, a few in each turn of the event loop. */
class InstantRunner implements Runner {
  #onEvent: (event: RunnerEvent) => void = () => undefined;
  readonly #running: Run[] = [];
  readonly #slow: { readonly run: Run; readonly until: number }[] = [];
  #ended = 0;
  #turn: NodeJS.Immediate | undefined;

  async start(onEvent: (event: RunnerEvent) => void): Promise<void> {
    this.#onEvent = onEvent;
    onEvent({ type: "ready" });
  }

  run(run: Run): void {
    if (run.record.offset % SLOW_ONE_IN === 0) this.#slow.push({ run, until: this.#ended + SLOW_FOR });
    else this.#running.push(run);
    this.#turn ??= setImmediate(() => this.#endSome());
  }

  cancel(): void {}
  release(): void {}
  async close(): Promise<void> {
    clearImmediate(this.#turn);
  }

  #endSome(): void {
    this.#turn = undefined;
    for (let left = ENDS_A_TURN; left > 0 && this.#running.length > 0; left--) {
      const [run] = this.#running.splice(randomInt(systemRandom, this.#running.length), 1);
      if (run !== undefined) this.#end(run);
    }
    // With nothing else to do, the slow ones are all that is left.
    while (this.#slow[0] !== undefined && (this.#slow[0].until <= this.#ended || this.#running.length === 0)) {
      const slow = this.#slow.shift();
      if (slow !== undefined) this.#end(slow.run);
    }
    if (this.#running.length > 0) this.#turn ??= setImmediate(() => this.#endSome());
  }

  #end({ id, record, spec }: Run): void {
    this.#ended++;
    const stdout = record.value ?? noBytes;
    const result = { outcome: { type: "succeeded" }, stdout, stderrTail: noBytes, durationMs: 0 } as const;
    this.#onEvent({ type: "ended", runId: id, result: { ...result, specVersion: spec.version } });
  }
}

const brigade = await startLocalBrigade(["--no-scheduler"]);
const kafka = { brokers: parseHostPorts(brigade.kafka) ?? [], clientId: "bench" };
const common = { kafka, clock: systemClock, random: systemRandom, log: silentLogger };

interface Round {
  readonly perSecond: number;
  /** Of the engine with its adapters, and of the broker. */
  readonly cpuMs: number;
  readonly bytesPerCommit: number;
}

/** All records of the input topic, by a group of its own. */
async function through(withMetadata: boolean, round: number): Promise<Round> {
  const input = new KafkaInput({ ...common, topic: "in", group: `${withMetadata}-${round}` });
  const done = Promise.withResolvers<void>();
  let commits = 0;
  let bytes = 0;
  const watched: Input = {
    start: (onEvent) => input.start(onEvent),
    seek: (...position) => input.seek(...position),
    pause: (partitions) => input.pause(partitions),
    resume: (partitions) => input.resume(partitions),
    close: () => input.close(),
    async commit(epoch, offsets) {
      const sent: readonly OffsetCommit[] = withMetadata ? offsets : offsets.map((one) => ({ ...one, metadata: "" }));
      await input.commit(epoch, sent);
      commits++;
      for (const { metadata, offset } of sent) {
        bytes += metadata.length;
        if (offset >= RECORDS) done.resolve();
      }
    },
  };
  const engine = new Engine({
    spec: processorSpec({ concurrency: CONCURRENCY }),
    group: "bench",
    input: watched,
    output: new KafkaOutput(common),
    runner: new InstantRunner(),
    clock: systemClock,
    onFatal: done.reject,
    // Nothing fits into 0 bytes, so that nothing is encoded.
    tracker: { ...defaultTrackerOptions, ...(withMetadata ? {} : { metadataLimitBytes: 0 }) },
  });
  const cpuBefore = cpu();
  const start = performance.now();
  await engine.start();
  await done.promise;
  const seconds = (performance.now() - start) / 1000;
  const cpuMs = (cpu() - cpuBefore) / RECORDS;
  await engine.close({ kill: true });
  return { perSecond: RECORDS / seconds, cpuMs, bytesPerCommit: bytes / commits };
}

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + (brigadeCpu(brigade.pid).parts.get("local-kafka") ?? 0);
}

try {
  await new KafkaAdmin(common).ensureTopics(["in", "out"], { partitions: 1, replication: 1 });
  await brigade.cli(["produce", "in"], `${"x".repeat(200)}\n`.repeat(RECORDS));
  await through(true, -1);
  await through(false, -1);
  const rounds: { on: Round; off: Round }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const onFirst = round % 2 === 0 ? await through(true, round) : undefined;
    const off = await through(false, round);
    rounds.push({ on: onFirst ?? (await through(true, round)), off });
  }
  report("records/s with commit metadata", spread(rounds.map(({ on }) => on.perSecond)));
  report("baseline: without", spread(rounds.map(({ off }) => off.perSecond)));
  report("ratio (goal 0.98)", spread(rounds.map(({ on, off }) => on.perSecond / off.perSecond)));
  report("CPU ms a record with commit metadata", spread(rounds.map(({ on }) => on.cpuMs)));
  report("baseline: without", spread(rounds.map(({ off }) => off.cpuMs)));
  report("ratio of CPU (goal 1.02)", spread(rounds.map(({ on, off }) => on.cpuMs / off.cpuMs)));
  report("bytes of metadata a commit", spread(rounds.map(({ on }) => on.bytesPerCommit)));
} finally {
  await brigade.stop();
  rmSync(brigade.folder, { recursive: true, force: true });
}
