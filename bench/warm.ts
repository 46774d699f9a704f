/**
 * A message through a warm container, end to end: from the moment at which a producer hands it to Kafka until a consumer
 * sees the output, by the compiled binary with its embedded Kafka and Mesos, one message at a time:
 *
 *     bun bench/warm.ts [--records 40] [--rounds 5]
 *
 * Baseline of the same rounds: the bare calls that a container costs which waits for its input (attach, write, read to
 * the end), and what a plain `cat` costs end to end, whose program starts within a millisecond or two. A message is sent
 * when all containers wait again, since the time of a start is what they are there to hide.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Kafka, logLevel } from "kafkajs";
import { startLocalBrigade } from "../scripts/lib/local-brigade.ts";
import { pooledContainerConfig } from "../src/programs/docker/container-config.ts";
import { BUSYBOX_IMAGE, DockerEngine } from "../test/support/docker.ts";
import { BareEngine } from "./bare-engine.ts";
import { benchOwner, catRequest } from "./container-bench.ts";
import { report, spread } from "./support.ts";

const WARM = 2;

const { values } = parseArgs({
  options: { records: { type: "string", default: "40" }, rounds: { type: "string", default: "5" } },
});
const records = Number(values.records);

const started = await DockerEngine.start();
if (typeof started === "string") {
  console.log(`skipped: ${started}`);
  process.exit(0);
}
await using docker = started;
process.env.DOCKER_HOST = docker.host;

const folder = mkdtempSync(join(tmpdir(), "brigade-bench-"));
const processors = join(folder, "processors");
mkdirSync(processors);
const common = { command: ["cat"], cpus: 0.5, mem: 32 };
for (const processor of [
  { ...common, name: "warm", input: "warm-in", output: "warm-out", docker: BUSYBOX_IMAGE, warm: WARM },
  { ...common, name: "plain", input: "plain-in", output: "plain-out" },
]) {
  writeFileSync(join(processors, `${processor.name}.json`), JSON.stringify(processor));
}
const brigade = await startLocalBrigade(["--processors", processors, "--cpus", "4"]);
const kafka = new Kafka({ clientId: "bench", brokers: [brigade.kafka], logLevel: logLevel.NOTHING });
const producer = kafka.producer();
const consumer = kafka.consumer({ groupId: "bench", maxWaitTimeInMs: 1000, minBytes: 1 });
const expected = new Map<string, () => void>();

/** Those that waited when the last message was sent. */
let former = new Set<string>();

/** Until another one has taken the place of the one that was used. */
async function untilWarm(): Promise<void> {
  for (;;) {
    const all = await docker.containers();
    const isWarm = all.length === WARM && all.every(({ State }) => State === "running");
    if (isWarm && all.some(({ Id }) => !former.has(Id))) {
      former = new Set(all.map(({ Id }) => Id));
      return;
    }
    await Bun.sleep(5);
  }
}

let sent = 0;
/** @returns from sending it to seeing its output, ms */
async function through(name: "warm" | "plain"): Promise<number> {
  const value = `${name}-${++sent}`;
  const { promise, resolve } = Promise.withResolvers<void>();
  expected.set(value, resolve);
  const startedMs = performance.now();
  await producer.send({ topic: `${name}-in`, messages: [{ value }] });
  await promise;
  return performance.now() - startedMs;
}

const engine = new BareEngine(docker.socket);
const input = Buffer.from("bare-1");
const config = pooledContainerConfig("bench", catRequest({ warm: WARM }).spec, benchOwner);

/** @returns from attaching to a container that waits to the end of its output, ms */
async function bare(): Promise<number> {
  const id = await engine.create("/containers/create", config);
  await engine.call("POST", `/containers/${id}/start`);
  const startedMs = performance.now();
  const path = `/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`;
  await (await engine.stream(path, input)).output;
  const ms = performance.now() - startedMs;
  await engine.call("DELETE", `/containers/${id}?force=1&v=1`);
  return ms;
}

async function repeat(
  one: () => Promise<number>,
  ready: () => Promise<void> = async () => undefined,
): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < records; count++) {
    await ready();
    times.push(await one());
  }
  return spread(times);
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(sorted.length * share)] ?? Number.NaN;

try {
  await producer.connect();
  await consumer.connect();
  await consumer.subscribe({ topics: ["warm-out", "plain-out"], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => expected.get(message.value?.toString() ?? "")?.(),
  });
  // Makes the executors, the containers, and everything warm that has nothing to do with them.
  for (let count = 0; count < 5; count++) await through("plain");
  for (let count = 0; count < 5; count++) await through("warm");

  const rounds: { bare: number[]; plain: number[]; warm: number[] }[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const plain = await repeat(() => through("plain"));
    const warm = await repeat(() => through("warm"), untilWarm);
    rounds.push({ bare: await repeat(bare), plain, warm });
  }
  report(
    "warm container, message in to output seen, p50 ms (goal 30)",
    spread(rounds.map(({ warm }) => at(warm, 0.5))),
  );
  report("  the same, p90 ms", spread(rounds.map(({ warm }) => at(warm, 0.9))));
  report("plain program, message in to output seen, p50 ms", spread(rounds.map(({ plain }) => at(plain, 0.5))));
  report("bare attach to a container that waits, p50 ms", spread(rounds.map((round) => at(round.bare, 0.5))));
} finally {
  await consumer.disconnect();
  await producer.disconnect();
  await brigade.stop();
  rmSync(folder, { recursive: true, force: true });
  rmSync(brigade.folder, { recursive: true, force: true });
}
