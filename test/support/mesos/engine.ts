/*
 * An embedded Mesos as a program, for tests that kill it: `bun engine.ts WORK_DIR PORT PATIENCE`, the last
 * of which is how long executors of an earlier life are waited for, in ms. Prints its port when it
 * serves, and closes when its standard input ends.
 */
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { systemRandom } from "../../../src/base/random.ts";
import { startMesos } from "../../../src/local/mesos/mesos.ts";
import { builtInExecutor } from "./embedded.ts";

const [workDir = "", port = "0", patienceMs = "0"] = process.argv.slice(2);
const mesos = await startMesos({
  port: Number(port),
  agents: [{ cpus: 4, memMb: 2048 }],
  workDir,
  builtInExecutor,
  executorVariables: { DOCKER_HOST: process.env["DOCKER_HOST"] ?? "" },
  allocationIntervalMs: 50,
  executorReregistrationTimeoutMs: Number(patienceMs),
  clock: systemClock,
  random: systemRandom,
  log: silentLogger,
});
process.stdout.write(`${mesos.address.port}\n`);
for await (const _ of Bun.stdin.stream()) continue;
await mesos.close();
process.exit(0);
