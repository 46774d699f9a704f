/**
 * The embedded broker (`brigade kafka`) against a single real Kafka as its own script starts it, both with their data on
 * the same disk and without fsync. This process is the client of both: kafkajs, records of 200 bytes, topics of one
 * partition. Rounds alternate. Beside records a second, which the client bounds as well, stands what the broker's process
 * alone used: its CPU time and its memory.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { startKafkaBroker } from "../scripts/lib/kafka-broker.ts";
import { noRealKafka, startRealKafka, usualJvm } from "../test/support/real-kafka.ts";
import { tree } from "./process-cpu.ts";
import { report, spread } from "./support.ts";

const VERSION = "4.3.1";
const RECORDS = Number(process.env.BENCH_RECORDS ?? 200_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
/** The JVM compiles what is hot, and so does this client. Its heap takes as long until it grows no more. */
const WARM_ROUNDS = 8;
const SENDS_AT_ONCE = 4;
const LARGE = 1000;
const SMALL = 10;
const VALUE = Buffer.alloc(200, "x");

/** Those that the tests turn down, as Kafka has them. */
const usualSettings = {
  "log.cleaner.backoff.ms": "15000",
  "log.initial.task.delay.ms": "30000",
  "log.retention.check.interval.ms": "300000",
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": "10000",
};

interface Side {
  readonly kafka: Kafka;
  readonly producer: Producer;
  readonly pid: number;
}

interface Measured {
  readonly perSecond: number;
  /** CPU time of the broker's process. */
  readonly cpuUs: number;
}

interface Round {
  readonly large: Measured;
  readonly small: Measured;
  readonly consume: Measured;
  readonly residentMb: number;
  readonly anonymousMb: number;
}

async function connect(address: string, pid: number): Promise<Side> {
  const kafka = new Kafka({ brokers: [address], clientId: "bench", logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: ["large", "small", "read"].map((topic) => ({ topic, numPartitions: 1 })) });
  await admin.disconnect();
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  return { kafka, producer, pid };
}

function use(pid: number): { cpuMs: number; residentMb: number } {
  const found = tree(pid, () => true).find((one) => one.pid === pid);
  if (found === undefined) throw new Error(`the broker's process ${pid} is gone`);
  return { cpuMs: found.cpuMs, residentMb: found.rssBytes / 1e6 };
}

/**
 * What the system says of a process: VmHWM is the most that was ever resident, RssAnon what no file is behind (the rest
 * is code, which any number of processes share and the system may drop).
 */
function statusMb(pid: number, field: "VmHWM" | "RssAnon"): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return (Number(kib) * 1024) / 1e6;
}

/** With acks=all, several sends at once, each of which kafkajs makes into one batch. */
async function produce({ producer, pid }: Side, topic: string, records: number, perSend: number): Promise<Measured> {
  const messages = Array.from({ length: perSend }, () => ({ value: VALUE }));
  const sends = Math.ceil(records / perSend);
  let left = sends;
  const cpuBefore = use(pid).cpuMs;
  const start = performance.now();
  const lane = async (): Promise<void> => {
    while (left-- > 0) await producer.send({ topic, acks: -1, messages });
  };
  await Promise.all(Array.from({ length: SENDS_AT_ONCE }, lane));
  return figures(sends * perSend, performance.now() - start, use(pid).cpuMs - cpuBefore);
}

/** A new group that reads from the beginning; the time begins when its first batch has come. */
async function consume({ kafka, pid }: Side, groupId: string, records: number): Promise<Measured> {
  const consumer = kafka.consumer({ groupId });
  const { promise, resolve, reject } = Promise.withResolvers<Measured>();
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  await consumer.connect();
  await consumer.subscribe({ topic: "read", fromBeginning: true });
  let first: { readonly records: number; readonly atMs: number; readonly cpuMs: number } | undefined;
  let seen = 0;
  await consumer.run({
    async eachBatch({ batch }) {
      seen += batch.messages.length;
      first ??= { records: seen, atMs: performance.now(), cpuMs: use(pid).cpuMs };
      if (seen < records) return;
      resolve(figures(seen - first.records, performance.now() - first.atMs, use(pid).cpuMs - first.cpuMs));
    },
  });
  const measured = await promise;
  await consumer.disconnect();
  return measured;
}

function figures(records: number, elapsedMs: number, cpuMs: number): Measured {
  if (records === 0) throw new Error("one batch was all there was: BENCH_RECORDS is too small");
  return { perSecond: records / (elapsedMs / 1000), cpuUs: (cpuMs * 1000) / records };
}

async function measure(side: Side, round: number): Promise<Round> {
  const large = await produce(side, "large", RECORDS, LARGE);
  const small = await produce(side, "small", RECORDS / 5, SMALL);
  const consumed = await consume(side, `bench-${round}`, 2 * RECORDS);
  return {
    large,
    small,
    consume: consumed,
    residentMb: use(side.pid).residentMb,
    anonymousMb: statusMb(side.pid, "RssAnon"),
  };
}

function compare(
  title: string,
  goal: string,
  pairs: readonly { embedded: number; real: number }[],
  baseline = `real Kafka ${VERSION}`,
): void {
  report(title, spread(pairs.map(({ embedded }) => embedded)));
  report(`  baseline: ${baseline}`, spread(pairs.map(({ real }) => real)));
  report(`  ratio${goal}`, spread(pairs.map(({ embedded, real }) => embedded / real)));
}

const missing = noRealKafka(VERSION);
if (missing !== undefined) {
  console.error(`bench/kafka.ts: Cannot measure beside a real Kafka: ${missing}`);
  process.exit(1);
}
const dataDir = mkdtempSync(join(tmpdir(), "brigade-bench-kafka-"));
await using real = await startRealKafka({ version: VERSION, settings: usualSettings, jvm: usualJvm });
const embedded = await startKafkaBroker({ dataDir, port: 0 });
try {
  const sides = {
    embedded: await connect(`${embedded.host}:${embedded.port}`, embedded.pid),
    real: await connect(`${real.address.host}:${real.address.port}`, real.pid()),
  };
  const idle = { embedded: use(sides.embedded.pid).residentMb, real: use(sides.real.pid).residentMb };
  for (const side of Object.values(sides)) await produce(side, "read", 2 * RECORDS, LARGE);
  const rounds: { embedded: Round; real: Round }[] = [];
  for (let round = 0; round < WARM_ROUNDS + ROUNDS; round++) {
    // Each goes first in turn.
    const embeddedFirst = round % 2 === 0 ? await measure(sides.embedded, round) : undefined;
    const ofReal = await measure(sides.real, round);
    rounds.push({ embedded: embeddedFirst ?? (await measure(sides.embedded, round)), real: ofReal });
  }
  rounds.splice(0, WARM_ROUNDS);
  const workloads = [
    [`produced records/s, batches of ${LARGE}`, "large"],
    [`produced records/s, batches of ${SMALL}`, "small"],
    ["consumed records/s", "consume"],
  ] as const;
  for (const [title, work] of workloads) {
    const pick = (figure: keyof Measured): { embedded: number; real: number }[] =>
      rounds.map((round) => ({ embedded: round.embedded[work][figure], real: round.real[work][figure] }));
    compare(title, " (goal 0.5)", pick("perSecond"));
    compare("  CPU µs of the broker a record", "", pick("cpuUs"));
  }
  compare("resident MB before the first record", "", [idle], "its JVM, heap of 1 GB");
  const memory = (figure: "residentMb" | "anonymousMb"): { embedded: number; real: number }[] =>
    rounds.map((round) => ({ embedded: round.embedded[figure], real: round.real[figure] }));
  compare("resident MB under this load", " (goal 0.1)", memory("residentMb"), "its JVM, heap of 1 GB");
  compare("  of it in no file", "", memory("anonymousMb"), "its JVM, heap of 1 GB");
  const peaks = { embedded: statusMb(sides.embedded.pid, "VmHWM"), real: statusMb(sides.real.pid, "VmHWM") };
  compare("resident MB at the most", "", [peaks], "its JVM, heap of 1 GB");
  for (const { producer } of Object.values(sides)) await producer.disconnect();
} finally {
  await embedded.kill();
  rmSync(dataDir, { recursive: true, force: true });
}
