/**
 * Feeds decoders inputs by chance (test/fuzz), until a number is reached or one of them throws what it may not. What fails
 * is printed with the command that shows it again.
 */

import { parseArgs } from "node:util";
import { describeError } from "../src/base/errors.ts";
import { fuzz } from "../test/fuzz/fuzz.ts";
import { fuzzTargets } from "../test/fuzz/targets.ts";

const usage = `Usage: scripts/fuzz [--inputs N] [--seed S] [NAME …]
       scripts/fuzz --seed S --input I NAME

  --inputs N   inputs for each decoder; default 1000000
  --seed S     other inputs for another number; default 1
  --input I    only that one
  NAME …       only decoders whose name contains one of these

Exit code 1: a decoder threw what it may not.
`;

const { values, positionals } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    input: { type: "string" },
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
const chosen = fuzzTargets.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
);
if (chosen.length === 0 || ![seed, from, inputs].every(Number.isSafeInteger)) {
  process.stderr.write(usage);
  process.exit(2);
}

let failures = 0;
for (const target of chosen) {
  const { accepted, failure, inputs: done } = fuzz(target, { seed, inputs, from });
  const share = done === 0 ? 0 : Math.round((100 * accepted) / done);
  console.log(`${failure === undefined ? "ok    " : "FAILED"}  ${target.name}: ${done} inputs, ${share} % accepted`);
  if (failure === undefined) continue;
  failures++;
  console.log(`        ${describeError(failure.error)}`);
  console.log(`        ${Buffer.from(failure.input).toString("hex").slice(0, 2000)}`);
  console.log(`        scripts/fuzz --seed ${seed} --input ${failure.number} "${target.name}"`);
  if (failure.error instanceof Error) console.log(failure.error.stack);
}
console.log(
  `${chosen.length - failures} decoders held, ${failures} failed; ${Math.round(process.memoryUsage.rss() / 1e6)} MB`,
);
process.exit(failures > 0 ? 1 : 0);
