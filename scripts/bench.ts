/** Runs the benchmarks of bench/, one after the other: each is a program of its own and prints its figures. */

import { cpus } from "node:os";
import { resolve } from "node:path";

const root = resolve(import.meta.dir, "..");
const all = "tracker mesos-codec spawn container exec warm noop backlog metadata footprint kafka restart".split(" ");
const usage = `Usage: scripts/bench [NAME …]

Compiles dist/brigade and runs the benchmarks (${all.join(", ")}), or those that are named. Each figure comes as
median and (least … most) of several rounds, with a baseline of the same run beside it. "kafka" runs beside a real Kafka,
which scripts/install-kafka fetches.
`;

const names = process.argv.slice(2);
if (names.includes("--help") || names.includes("-h")) {
  process.stdout.write(usage);
  process.exit(0);
}
const unknown = names.find((name) => !all.includes(name));
if (unknown !== undefined) {
  console.error(`scripts/bench: There is no benchmark "${unknown}"; there are ${all.join(", ")}`);
  process.exit(2);
}

const build = Bun.spawnSync([process.execPath, "scripts/build.ts"], { cwd: root, stderr: "inherit" });
if (!build.success) process.exit(1);
console.log(`${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown processor"}, Bun ${Bun.version}`);
let failed = false;
for (const name of names.length > 0 ? names : all) {
  console.log(`\n${name}`);
  const run = Bun.spawnSync([process.execPath, `bench/${name}.ts`], {
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
  });
  failed ||= !run.success;
}
process.exit(failed ? 1 : 0);
