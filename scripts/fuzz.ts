/**
 * Feeds decoders inputs by chance (test/fuzz), until a number is reached, one of them throws what it may not, or the
 * process takes more memory than it may. What fails is printed with the command that shows it again.
 */

import { parseArgs } from "node:util";
import { describeError } from "../src/base/errors.ts";
import { fuzz } from "../test/fuzz/fuzz.ts";
import { MemoryBound, MemoryGrowthError, megabytes, peakMemory } from "../test/fuzz/memory.ts";
import { fuzzTargets } from "../test/fuzz/targets.ts";

const usage = `Usage: scripts/fuzz [--inputs N] [--seed S] [--memory MB] [NAME …]
       scripts/fuzz --seed S --input I NAME

  --inputs N   inputs for each decoder; default 1000000
  --seed S     other inputs for another number; default 1
  --input I    only that one (of a whole engine, after those that share its state)
  --memory MB  how much more memory the process may take than at its start, resident or of its address space; default 512
  NAME …       only decoders whose name contains one of these

Exit code 1: a decoder threw what it may not, or memory grew over its bound.
`;

const { values, positionals } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    input: { type: "string" },
    memory: { type: "string", default: "512" },
    help: { type: "boolean", short: "h" },
  },
  allowPositionals: true,
});
if (values.help === true) {
  process.stdout.write(usage);
  process.exit(0);
}

const seed = Number(values.seed);
const from = Number(values.input ?? 0);
const inputs = values.input === undefined ? Number(values.inputs) : 1;
const memoryMb = Number(values.memory);
const chosen = fuzzTargets.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
);
if (chosen.length === 0 || ![seed, from, inputs, memoryMb].every(Number.isSafeInteger)) {
  process.stderr.write(usage);
  process.exit(2);
}

const memory = new MemoryBound(memoryMb * 1e6);
let failures = 0;
for (const target of chosen) {
  const startMs = performance.now();
  const { accepted, failure, inputs: done } = await fuzz(target, { seed, inputs, from, memory });
  const share = done === 0 ? 0 : Math.round((100 * accepted) / done);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const verdict = failure === undefined ? "ok    " : "FAILED";
  const resident = megabytes(process.memoryUsage.rss());
  console.log(`${verdict}  ${target.name}: ${done} inputs in ${seconds} s, ${share} % accepted, ${resident} MB`);
  if (failure === undefined) continue;
  failures++;
  console.log(`        ${describeError(failure.error)}`);
  if (failure.error instanceof MemoryGrowthError) {
    console.log(
      `        scripts/fuzz --seed ${seed} --inputs ${failure.number + 1} --memory ${memoryMb} "${target.name}"`,
    );
    break; // What this one has taken would be laid to the next one's charge.
  }
  console.log(`        ${Buffer.from(failure.input).toString("hex").slice(0, 2000)}`);
  console.log(`        scripts/fuzz --seed ${seed} --input ${failure.number} "${target.name}"`);
  if (failure.error instanceof Error) console.log(failure.error.stack);
}
console.log(
  `${chosen.length} decoders, ${failures} failed; ${megabytes(peakMemory().resident)} MB resident at the most`,
);
process.exit(failures > 0 ? 1 : 0);
