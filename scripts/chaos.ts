/** The ledger test from the command line: longer runs, other seeds, and the proof that it notices a broken build. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { formatHostPort } from "../src/config/addresses.ts";
import { formatBrokerKills, keepsItsWord, runBrokerKills } from "../test/chaos/broker/broker-kills.ts";
import { type ChaosOptions, type ChaosResult, runChaos } from "../test/chaos/chaos.ts";
import { formatReport, violationsOf } from "../test/chaos/report.ts";
import { doubtful, type PlannedFault, type Target, targets } from "../test/chaos/schedule.ts";
import { type KafkaBeside, World } from "../test/support/e2e/world.ts";
import { kafkaVersions, noRealKafka, startRealKafka } from "../test/support/real-kafka.ts";
import { buildBroken } from "./lib/broken-build.ts";
import { startKafkaBroker } from "./lib/kafka-broker.ts";

const usage = `Usage: scripts/chaos [--what TARGET] [--seed S] [--seconds N] [--faults N] [--rate R] [--processors N] [--keep]
                     [--kafka VERSION]
       scripts/chaos --what broker [--seed S] [--seconds N] [--faults N] [--keep]
       scripts/chaos --prove

Compiles dist/brigade (BRIGADE_BINARY names another one), sends records through processors, and kills (kill -9) and stops (SIGSTOP) its processes on a
schedule that the seed decides. Then counts what went in, what was started and what came out against each other.

  --what TARGET   ${targets.join(", ")} (default scheduler). In "whole" scheduler and engines are one
                  brigade local; in the others the scheduler is a process of its own, which can die alone, and in
                  "agents" so are a master and three agents.
                  "broker" is brigade kafka by itself: killed about every two seconds while an idempotent producer
                  writes as fast as it can; counts what was acknowledged and is lost, or is there twice
  --seed S        of the schedule and of the records (default 1)
  --seconds N     for how long faults strike (default 60); coming to rest takes longer
  --faults N      how many strike at the most (default 1000)
  --rate R        records a second (default 15)
  --processors N  how many read them, each for itself, with ordering none and key by turns (default 2)
  --kafka VERSION a real Kafka (${kafkaVersions.join(", ")}, fetched by scripts/install-kafka) in place of the embedded one; for
                  targets that do not kill it: scheduler, executors
  --keep          leaves the folder with ledger and logs
  --prove         compiles a Brigade that commits before it produces; the test must find records lost
`;

const { values } = parseArgs({
  options: {
    what: { type: "string", default: "scheduler" },
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
    faults: { type: "string", default: "1000" },
    rate: { type: "string", default: "15" },
    processors: { type: "string", default: "2" },
    kafka: { type: "string" },
    keep: { type: "boolean" },
    prove: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const target = values.what === "broker" ? values.what : targets.find((one) => one === values.what);
const numbers = {
  seed: Number(values.seed),
  seconds: Number(values.seconds),
  faults: Number(values.faults),
  recordsPerSecond: Number(values.rate),
  processors: Number(values.processors),
};
const kafkaVersion = kafkaVersions.find((one) => one === values.kafka);
const canBeReal = target === "scheduler" || target === "executors";
const isKafkaKnown = values.kafka === undefined || (kafkaVersion !== undefined && canBeReal && !values.prove);
if (target === undefined || !isKafkaKnown || !Object.values(numbers).every((number) => number >= 0)) {
  process.stderr.write(usage);
  process.exit(2);
}
const noKafka = kafkaVersion && noRealKafka(kafkaVersion);
if (noKafka !== undefined) {
  console.error(`scripts/chaos: Cannot use Kafka ${kafkaVersion}: ${noKafka}`);
  process.exit(1);
}

const root = resolve(import.meta.dir, "..");
process.exit(values.prove ? await prove() : await measure(target));

async function measure(target: Target | "broker"): Promise<number> {
  if (process.env["BRIGADE_BINARY"] === undefined) {
    const build = Bun.spawnSync([process.execPath, "scripts/build.ts"], { cwd: root, stderr: "inherit" });
    if (!build.success) return 1;
  }
  if (target === "broker") return await killBroker();
  await using kafka = await realKafka();
  const result = await inWorld(target, { kafka });
  console.log(`\n${formatReport(result)}`);
  return violationsOf(result).length === 0 ? 0 : 1;
}

/** Undefined where nobody asked for one. */
async function realKafka(): Promise<(KafkaBeside & AsyncDisposable) | undefined> {
  if (kafkaVersion === undefined) return undefined;
  const kafka = await startRealKafka({ version: kafkaVersion });
  return { ...kafka, address: formatHostPort(kafka.address) };
}

async function killBroker(): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), "brigade-broker-kills-"));
  let kept = false;
  try {
    const result = await runBrokerKills({
      start: (port) => startKafkaBroker({ dataDir, port }),
      seed: numbers.seed,
      kills: numbers.faults,
      forMs: numbers.seconds * 1000,
      everyMs: 2000,
      onProgress,
    });
    console.log(`\n${formatBrokerKills(result)}`);
    kept = keepsItsWord(result);
    return kept ? 0 : 1;
  } finally {
    if (values.keep || !kept) console.log(`The broker's data is kept in ${dataDir}`);
    else rmSync(dataDir, { recursive: true });
  }
}

/** What loses records must be found out. */
async function prove(): Promise<number> {
  await using broken = await buildBroken(root);
  console.log(`Compiled a Brigade that commits before it produces: ${broken.binary}`);
  const result = await inWorld("scheduler", { binary: broken.binary, plan: doubtful });
  console.log(`\n${formatReport(result)}`);
  const lost = violationsOf(result).filter(({ rule }) => rule === "loss").length;
  console.log(lost > 0 ? `Proven: ${lost} records were lost, and missed.` : "Not proven: no loss was found.");
  return lost > 0 ? 0 : 1;
}

function onProgress(text: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

interface Unusual {
  readonly binary?: string;
  readonly plan?: readonly PlannedFault[];
  readonly kafka?: KafkaBeside | undefined;
}

async function inWorld(target: Target, { binary, plan, kafka }: Unusual = {}): Promise<ChaosResult> {
  const { seconds, ...others } = numbers;
  const options: ChaosOptions = {
    ...others,
    target,
    ...(plan === undefined ? {} : { plan }),
    forMs: seconds * 1000,
    onProgress,
  };
  const world = await World.create({ binary, kafka });
  try {
    const result = await runChaos(world, options);
    if (values.keep || violationsOf(result).length > 0) console.log(`Ledger and logs are kept in ${world.folder}`);
    else await world.close();
    return result;
  } catch (error) {
    await world.abandon();
    console.error(`Ledger and logs are kept in ${world.folder}`);
    throw error;
  }
}
