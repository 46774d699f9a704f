/**
 * What CI runs: every check and every test, ending with `N passed, N failed, N skipped`. A check that fails counts as
 * one failed test. Skipped tests are listed with the reason that stands in brackets in their names, and those that run on
 * several Kafkas are counted for each.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const usage = `Usage: scripts/test [--quick] [FILTER …]

Checks types, lint, format and import direction, compiles dist/brigade and runs all tests.

  --quick     no compiling, and only the unit tests: for each save
  FILTER …    only test files whose path contains one of these

End-to-end tests run on the embedded Kafka and on a real one, which scripts/install-kafka fetches. BRIGADE_TEST_KAFKA names
others, with commas between (default embedded,4.3.1).
`;

const { values, positionals } = parseArgs({
  options: { quick: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  allowPositionals: true,
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

const root = resolve(import.meta.dir, "..");
const bun = process.execPath;
const bin = (name: string): string => join(root, "node_modules/.bin", name);

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const checks: Check[] = [
  { name: "types", command: [bin("tsc"), "--noEmit"] },
  { name: "lint", command: [bin("oxlint"), "--type-aware"] },
  { name: "format", command: [bin("biome"), "check"] },
  { name: "import direction", command: [bun, "scripts/check-imports.ts"] },
];
if (!values.quick) checks.push({ name: "compile", command: [bun, "scripts/build.ts"] });

const failedChecks: string[] = [];
for (const { name, command } of checks) {
  const run = Bun.spawnSync([...command], { cwd: root, stdout: "pipe", stderr: "pipe", env: process.env });
  console.log(`${run.success ? "ok    " : "FAILED"}  ${name}`);
  if (run.success) continue;
  failedChecks.push(name);
  process.stdout.write(run.stdout);
  process.stderr.write(run.stderr);
}

// End-to-end tests wait most of their time, so all others run beside them.
const endToEnd = "test/e2e";
const others = readdirSync(join(root, "test"))
  .map((name) => `test/${name}`)
  .filter((folder) => folder !== endToEnd);
const shards = positionals.length > 0 ? [positionals] : values.quick ? [["test/unit"]] : [[endToEnd], others];
const folder = mkdtempSync(join(tmpdir(), "brigade-test-"));
const reports = await Promise.all(shards.map((filters, shard) => runTests(filters, join(folder, `${shard}.xml`))));
rmSync(folder, { recursive: true, force: true });

const all = (outcome: keyof Report): readonly string[] => reports.flatMap((report) => report[outcome]);
const [passed, failed, skipped] = [all("passed"), all("failed"), all("skipped")];
for (const name of skipped) console.log(`skipped  ${name}`);
for (const name of failed) console.log(`failed   ${name}`);
for (const name of failedChecks) console.log(`failed   check: ${name}`);
const failures = failed.length + failedChecks.length;
for (const kafka of new Set([...passed, ...failed, ...skipped].map(kafkaOf))) {
  if (kafka === undefined) continue;
  const count = (tests: readonly string[]): number => tests.filter((test) => kafkaOf(test) === kafka).length;
  console.log(`on ${kafka}: ${count(passed)} passed, ${count(failed)} failed, ${count(skipped)} skipped`);
}
console.log(`${passed.length} passed, ${failures} failed, ${skipped.length} skipped`);
process.exit(failures > 0 ? 1 : 0);

interface Report {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
}

async function runTests(filters: readonly string[], report: string): Promise<Report> {
  const options = ["--timeout", "240000", "--reporter", "junit", "--reporter-outfile", report, "--only-failures"];
  const tests = Bun.spawn([bun, "test", ...options, ...filters], {
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
    env: { ...process.env, NODE_ENV: "test" },
  });
  return readReport(report, await tests.exited);
}

/** Names of tests. A run that broke outside a test, or wrote no report, counts as one failure. */
function readReport(file: string, code: number): Report {
  let xml = "";
  try {
    xml = readFileSync(file, "utf8");
  } catch (error) {
    return { passed: [], failed: [`the test run wrote no report (exit code ${code}): ${String(error)}`], skipped: [] };
  }
  const passed: string[] = [];
  const failed: string[] = [];
  const skipped: string[] = [];
  for (const [, attributes = "", , body = ""] of xml.matchAll(/<testcase ([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const of = (name: string): string => unescape(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    const name = `${of("file")}: ${[of("classname"), of("name")].filter(Boolean).join(" > ")}`;
    if (body.includes("<failure")) failed.push(name);
    else if (body.includes("<skipped")) skipped.push(name);
    else passed.push(name);
  }
  if (code !== 0 && failed.length === 0) failed.push(`a test file broke outside its tests (exit code ${code})`);
  return { passed, failed, skipped };
}

/** What stands in the names of end-to-end tests that run on several; undefined for all other tests. */
function kafkaOf(test: string): string | undefined {
  return /\(((?:embedded )?Kafka(?: [\d.]+)?)\)(?: \[|$)/.exec(test)?.[1];
}

function unescape(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp|#10);/g, (_, name: string) => {
    const known: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&", "#10": "\n" };
    return known[name] ?? "";
  });
}
