/**
 * The airports example, from one command: 3 377 real lines through a chain of three processors, with every line
 * accounted for at the end. Where Docker is, one more processor runs in containers.
 */

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeExampleImage } from "./lib/example-image.ts";
import { type LocalBrigade, startLocalBrigade } from "./lib/local-brigade.ts";

const usage = `Usage: scripts/run [--keep]

Compiles dist/brigade, starts brigade local with the processors of examples/airports, sends airports.csv through them
and checks that every line came out once: as a card, or in an error topic. Where a Docker Engine answers (DOCKER_HOST), a
fourth processor, which is an image, writes a letter for each line that was rejected.

  --keep   leaves everything up afterwards and prints the addresses; Ctrl-C ends it
`;

const { values } = parseArgs({ options: { keep: { type: "boolean" }, help: { type: "boolean", short: "h" } } });
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

const root = resolve(import.meta.dir, "..");
const example = join(root, "examples/airports");
/** Nothing finished for so long: something is wrong. */
const STALL_MS = 30_000;

interface Processor {
  readonly name: string;
  readonly input: string;
  readonly output: string | null;
  readonly phase: string;
  readonly reason: string | null;
  readonly counters: { recordsIn: number; recordsOut: number; errors: number; failedAttempts: number };
  readonly inFlight: number;
  readonly latency: { p50Ms: number | null; p99Ms: number | null };
  readonly partitions: readonly { lag: number | null }[];
}

const started = performance.now();
let brigade: LocalBrigade | undefined;
const image = await makeExampleImage("brigade-example-letter:1", join(example, "image/letter"));
const processors = mkdtempSync(join(tmpdir(), "brigade-processors-"));
try {
  cpSync(join(example, "processors"), processors, { recursive: true });
  if (typeof image === "string") {
    console.log(`Without Docker (${image}): three processors, all of them plain commands.`);
  } else {
    cpSync(join(example, "image/4-letter.json"), join(processors, "4-letter.json"));
    console.log(`With Docker (${image.engine}): the processor letter is the image ${image.name}, made just now.`);
  }
  console.log("Starting brigade local with examples/airports …");
  brigade = await startLocalBrigade(["--processors", processors]);
  console.log(
    `Ready after ${seconds(performance.now() - started)}: api ${brigade.api}, kafka ${brigade.kafka}, mesos ${brigade.mesos}`,
  );
  await run(brigade);
} catch (error) {
  console.error(`\nscripts/run failed: ${error instanceof Error ? error.message : String(error)}`);
  if (brigade !== undefined) console.error(`The log is ${join(brigade.folder, "brigade.log")}`);
  await brigade?.stop();
  process.exitCode = 1;
} finally {
  rmSync(processors, { recursive: true });
  if (typeof image !== "string") await image.remove();
}

async function run(brigade: LocalBrigade): Promise<void> {
  const lines = (await Bun.file(join(example, "airports.csv")).text()).trimEnd().split("\n");
  // The line's number is its key: it stays with the record through the whole chain.
  const keyed = lines.map((line, index) => `${index + 1}\t${line}\n`).join("");
  const begun = performance.now();
  process.stdout.write(`Sending ${lines.length} lines of airports.csv … `);
  process.stdout.write(await brigade.cli(["produce", "airports", "--key-separator", "\t"], keyed));
  const processors = await waitUntilDone(brigade, lines.length);
  const tookMs = performance.now() - begun;

  console.log(`\n${lines.length} lines went through the processors in ${seconds(tookMs)}\n`);
  printSummary(processors, tookMs);
  await account(brigade, lines.length);
  console.log(`\nEvery line is accounted for. ${seconds(performance.now() - started)} in all.`);

  if (values.keep) {
    console.log(`\nLeft running. Try, with KAFKA_ADDRESS=${brigade.kafka} in the environment:`);
    console.log(`  dist/brigade status --api ${brigade.api}`);
    console.log("  dist/brigade consume airports.rejected --from-beginning --count 3 --json");
    console.log(`  tail -f ${join(brigade.folder, "brigade.log")}`);
    console.log("Ctrl-C ends it.");
    // It reaches brigade local as well; what was made here is removed behind it.
    process.on("SIGINT", () => undefined);
    await brigade.exited;
    return;
  }
  const code = await brigade.stop();
  if (code !== 0) throw new Error(`brigade local ended with exit code ${code}`);
  rmSync(brigade.folder, { recursive: true, force: true });
}

/** Shows progress until the last processor has nothing left. @throws when nothing moves any more */
async function waitUntilDone(brigade: LocalBrigade, total: number): Promise<readonly Processor[]> {
  let last = "";
  let lastChange = performance.now();
  for (;;) {
    const all = (await (await fetch(`${brigade.api}/api/v1/processors`)).json()) as Processor[];
    const chain = inOrderOfFlow(all);
    const processors = [...chain, ...all.filter((one) => !chain.includes(one))];
    const progress = processors.map(({ name, counters }) => `${name} ${done(counters)}`).join("   ");
    if (progress !== last) {
      process.stdout.write(process.stdout.isTTY ? `\r  ${progress}   ` : `  ${progress}\n`);
      lastChange = performance.now();
      last = progress;
    }
    if (isOver(chain, total) && lettersAreOver(all)) return processors;
    if (performance.now() - lastChange > STALL_MS) {
      const why = processors.map(({ name, phase, reason }) => `${name}: ${phase}${reason ? ` (${reason})` : ""}`);
      throw new Error(`nothing moved for ${STALL_MS / 1000} s; ${why.join(", ")}`);
    }
    await Bun.sleep(process.stdout.isTTY ? 200 : 1000);
  }
}

/** The one that reads `airports` first, then the one that reads its output, and so on. */
function inOrderOfFlow(processors: readonly Processor[]): Processor[] {
  const ordered: Processor[] = [];
  for (let topic: string | null = "airports"; topic !== null; topic = ordered.at(-1)?.output ?? null) {
    const next = processors.find(({ input }) => input === topic);
    if (next === undefined) break;
    ordered.push(next);
  }
  return ordered;
}

function done({ recordsOut, errors }: Processor["counters"]): number {
  return recordsOut + errors;
}

/** Each processor of the chain has finished what the one before it passed on, and committed it. */
function isOver(processors: readonly Processor[], total: number): boolean {
  let expected = total;
  for (const { counters, inFlight, partitions } of processors) {
    if (done(counters) < expected || inFlight > 0 || partitions.some(({ lag }) => lag !== 0)) return false;
    expected = counters.recordsOut;
  }
  return processors.length === 3;
}

/** What `parse` rejected has gone through the image, where there is one. */
function lettersAreOver(processors: readonly Processor[]): boolean {
  const [parse, letter] = ["parse", "letter"].map((wanted) => processors.find(({ name }) => name === wanted));
  return letter === undefined || (done(letter.counters) === parse?.counters.errors && letter.inFlight === 0);
}

function printSummary(processors: readonly Processor[], tookMs: number): void {
  const head = ["processor", "in", "out", "to error", "failed attempts", "p50 ms", "p99 ms", "records/s"];
  const rows = processors.map(({ name, counters, latency }) => [
    name,
    counters.recordsIn,
    counters.recordsOut,
    counters.errors,
    counters.failedAttempts,
    latency.p50Ms ?? "–",
    latency.p99Ms ?? "–",
    Math.round(done(counters) / (tookMs / 1000)),
  ]);
  const table = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table) {
    console.log(
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  "),
    );
  }
}

/** Reads all results back. @throws unless each line has exactly one */
async function account(brigade: LocalBrigade, total: number): Promise<void> {
  const seen = new Map<string, string>();
  for (const topic of ["airports.cards", "airports.rejected", "airports.failed"]) {
    const records = await readTopic(brigade, topic);
    console.log(`\n${topic}: ${records.length} records`);
    for (const { key, value, headers } of records.slice(0, 3)) {
      const header = (name: string): string => headers.find((one) => one.name === name)?.value?.trim() ?? "";
      const reason = header("brigade.error.reason");
      const why = reason === "" ? "" : `   ← ${reason}: ${header("brigade.error.stderr")}`;
      console.log(`  ${key}: ${value}${why}`);
    }
    for (const { key } of records) {
      const before = seen.get(key);
      if (before !== undefined) throw new Error(`line ${key} came out twice: in ${before} and in ${topic}`);
      seen.set(key, topic);
    }
  }
  if (typeof image !== "string") {
    const letters = await readTopic(brigade, "airports.letters");
    console.log(`\nairports.letters: ${letters.length} records`);
    for (const { key, value } of letters.slice(0, 3)) console.log(`  ${key}: ${value.trim()}`);
    const rejected = [...seen.values()].filter((topic) => topic === "airports.rejected").length;
    if (letters.length !== rejected) throw new Error(`${letters.length} letters for ${rejected} rejected lines`);
  }
  const missing = Array.from({ length: total }, (_, index) => String(index + 1)).filter((key) => !seen.has(key));
  if (missing.length > 0) throw new Error(`${missing.length} lines are missing, the first is line ${missing[0]}`);
}

interface ReadRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: readonly { readonly name: string; readonly value?: string }[];
}

/** Everything that stands in a topic now; nothing where it does not exist. */
async function readTopic(brigade: LocalBrigade, topic: string): Promise<readonly ReadRecord[]> {
  const text = await brigade.cli(["consume", topic, "--from-beginning", "--json", "--timeout", "2s"]);
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ReadRecord);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
