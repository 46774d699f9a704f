/**
 * What CI runs: every check and every test, ending with `N passed, N failed, N skipped`. A check that fails counts as
 * one failed test. Skipped tests are listed with the reason that stands in brackets in their names.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const usage = `Usage: scripts/test [--quick] [FILTER …]

Checks types, lint, format and import direction, compiles dist/brigade and runs all tests.

  --quick     no compiling, and only the unit tests: for each save
  FILTER …    only test files whose path contains one of these
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

const folder = mkdtempSync(join(tmpdir(), "brigade-test-"));
const report = join(folder, "report.xml");
const filters = positionals.length > 0 ? positionals : values.quick ? ["test/unit"] : [];
const tests = Bun.spawn(
  [
    bun,
    "test",
    "--timeout",
    "60000",
    "--reporter",
    "junit",
    "--reporter-outfile",
    report,
    "--only-failures",
    ...filters,
  ],
  { cwd: root, stdout: "inherit", stderr: "inherit", env: { ...process.env, NODE_ENV: "test" } },
);
const exitCode = await tests.exited;

const { passed, failed, skipped } = readReport(report, exitCode);
rmSync(folder, { recursive: true, force: true });
for (const name of skipped) console.log(`skipped  ${name}`);
for (const name of failed) console.log(`failed   ${name}`);
for (const name of failedChecks) console.log(`failed   check: ${name}`);
const failures = failed.length + failedChecks.length;
console.log(`${passed} passed, ${failures} failed, ${skipped.length} skipped`);
process.exit(failures > 0 ? 1 : 0);

/** Names of failed and skipped tests. A run that broke outside a test, or wrote no report, counts as one failure. */
function readReport(file: string, code: number): { passed: number; failed: string[]; skipped: string[] } {
  let xml = "";
  try {
    xml = readFileSync(file, "utf8");
  } catch (error) {
    return { passed: 0, failed: [`the test run wrote no report (exit code ${code}): ${String(error)}`], skipped: [] };
  }
  let passed = 0;
  const failed: string[] = [];
  const skipped: string[] = [];
  for (const [, attributes = "", , body = ""] of xml.matchAll(/<testcase ([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const of = (name: string): string => unescape(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    const name = `${of("file")}: ${[of("classname"), of("name")].filter(Boolean).join(" > ")}`;
    if (body.includes("<failure")) failed.push(name);
    else if (body.includes("<skipped")) skipped.push(name);
    else passed++;
  }
  if (code !== 0 && failed.length === 0) failed.push(`a test file broke outside its tests (exit code ${code})`);
  return { passed, failed, skipped };
}

function unescape(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp|#10);/g, (_, name: string) => {
    const known: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&", "#10": "\n" };
    return known[name] ?? "";
  });
}
