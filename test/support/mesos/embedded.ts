import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { systemRandom } from "../../../src/base/random.ts";
import { type EmbeddedMesos, type EmbeddedMesosOptions, startMesos } from "../../../src/local/mesos/mesos.ts";

export interface TestMesos extends AsyncDisposable {
  readonly address: EmbeddedMesos["address"];
  readonly workDir: string;
}

/** Runs command tasks, from source. */
export const builtInExecutor = [process.execPath, join(import.meta.dir, "../../../src/main.ts"), "mesos-executor"];

/** An embedded Mesos on free ports in a folder of its own, which is removed with it; one agent, short intervals. */
export async function startTestMesos(options: Partial<EmbeddedMesosOptions> = {}): Promise<TestMesos> {
  const workDir = mkdtempSync(join(tmpdir(), "brigade-mesos-"));
  const mesos = await startMesos({
    port: 0,
    agents: [{ cpus: 4, memMb: 2048, attributes: { rack: "r0" } }],
    workDir,
    builtInExecutor,
    allocationIntervalMs: 50,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    ...options,
  });
  return {
    address: mesos.address,
    workDir,
    async [Symbol.asyncDispose]() {
      await mesos.close();
      rmSync(workDir, { recursive: true, force: true });
    },
  };
}

/** A scalar resource in the API's JSON. */
export function scalar(name: string, value: number): object {
  return { name, type: "SCALAR", scalar: { value } };
}

const executorPath = join(import.meta.dir, "executor.ts");

/** A task of the test executor in the API's JSON; `order` is what executor.ts takes. */
export function jsonTask(
  taskId: string,
  agentId: { readonly value: string },
  { order = {}, executorId = "worker" }: { readonly order?: object; readonly executorId?: string } = {},
): object {
  const resources = [scalar("cpus", 0.1), scalar("mem", 32)];
  return {
    name: taskId,
    task_id: { value: taskId },
    agent_id: agentId,
    resources,
    executor: {
      type: "CUSTOM",
      executor_id: { value: executorId },
      name: executorId,
      source: "test",
      command: { value: `exec '${process.execPath}' '${executorPath}'`, shell: true },
      resources,
      shutdown_grace_period: { nanoseconds: 2_000_000_000 },
      data: Buffer.from("executor data").toString("base64"),
    },
    data: Buffer.from(JSON.stringify(order)).toString("base64"),
  };
}

export function launch(...tasks: readonly object[]): object {
  return { type: "LAUNCH", launch: { task_infos: tasks } };
}
