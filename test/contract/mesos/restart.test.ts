import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startTimeOf } from "../../../src/local/mesos/containers/processes.ts";
import { jsonTask, launch } from "../../support/mesos/embedded.ts";
import { EngineFolder, type EngineOptions, type EngineProcess } from "../../support/mesos/engine-process.ts";
import { JsonScheduler } from "../../support/mesos/json-scheduler.ts";
import { until } from "../../support/until.ts";

const linux = process.platform === "linux";
let folder: EngineFolder;

beforeEach(() => {
  folder = new EngineFolder();
});

afterEach(() => folder[Symbol.asyncDispose]());

const startEngine = (port?: number, options?: EngineOptions): Promise<EngineProcess> => folder.start(port, options);

const checkpointing = { checkpoint: true, failover_timeout: 60 };

/** Subscribes as soon as the engine answers again. */
function subscribeAgain(engine: EngineProcess, id: string): Promise<JsonScheduler> {
  return JsonScheduler.subscribe(engine.address, { ...checkpointing, id: { value: id } });
}

async function launchForever(scheduler: JsonScheduler, order: object = {}): Promise<void> {
  const [offer] = await scheduler.offers();
  const task = jsonTask("long", offer!.agent_id, { order: { forever: true, ...order } });
  await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations: [launch(task)] } });
}

/** The ids of the executors' processes, from what the agent remembers. */
function executorPids(): number[] {
  return readFileSync(join(folder.path, "agents", "1", "journal.ndjson"), "utf8")
    .split("\n")
    .filter((line) => line.includes('"type":"process"'))
    .map((line) => (JSON.parse(line) as { pid: number }).pid);
}

/** A zombie that nobody waits for, as in a container without an init, is not alive. */
function isAlive(pid: number): boolean {
  if (linux) return startTimeOf(pid) !== undefined;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!linux)(
  "an executor and its task outlive a killed Mesos, and both are known again (needs /proc)",
  async () => {
    const first = await startEngine();
    await using scheduler = await JsonScheduler.subscribe(first.address, checkpointing);
    await launchForever(scheduler);
    await scheduler.acknowledge(await scheduler.update("long", "TASK_RUNNING"));
    const [agentId] = readdirSync(join(folder.path, "agents", "1", "slaves"));
    await first.kill();

    const second = await startEngine(first.address.port, { patienceMs: 8000 });
    await using again = await subscribeAgain(second, scheduler.frameworkId);
    await again.event("SUBSCRIBED");
    expect(again.frameworkId).toBe(scheduler.frameworkId);
    // No answer is given as long as the agent is not back; then the task is known.
    expect(await again.reconcile("long")).toMatchObject({ state: "TASK_RUNNING", agent_id: { value: agentId } });
    expect(await again.kill("long")).toMatchObject({ state: "TASK_KILLED" });
    await again.call("TEARDOWN");
  },
);

test.skipIf(!linux)("an update that was not acknowledged comes again after a restart (needs /proc)", async () => {
  const first = await startEngine();
  await using scheduler = await JsonScheduler.subscribe(first.address, checkpointing);
  const [offer] = await scheduler.offers();
  const task = jsonTask("quick", offer!.agent_id, { order: { silent: true } });
  await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations: [launch(task)] } });
  const before = await scheduler.update("quick", "TASK_FINISHED");
  await first.kill();

  const second = await startEngine(first.address.port);
  await using again = await subscribeAgain(second, scheduler.frameworkId);
  const after = await again.update("quick", "TASK_FINISHED");
  expect([after.uuid, after.data]).toEqual([before.uuid, before.data]);
  await again.acknowledge(after);
  await again.call("TEARDOWN");
});

test.skipIf(!linux)("a task whose executor does not come back is gone (needs /proc)", async () => {
  const first = await startEngine();
  await using scheduler = await JsonScheduler.subscribe(first.address, checkpointing);
  await launchForever(scheduler);
  await scheduler.acknowledge(await scheduler.update("long", "TASK_RUNNING"));
  const [pid = 0] = executorPids();
  process.kill(pid, "SIGSTOP");
  await first.kill();

  const second = await startEngine(first.address.port);
  await using again = await subscribeAgain(second, scheduler.frameworkId);
  expect(await again.end("long")).toMatchObject({
    state: "TASK_GONE",
    source: "SOURCE_AGENT",
    reason: "REASON_EXECUTOR_REREGISTRATION_TIMEOUT",
    message: "Executor did not reregister within 3secs",
  });
  await until(() => !isAlive(pid), "the executor is killed");
  await again.call("TEARDOWN");
});

test("closing leaves no process behind, not even one that an executor has forked", async () => {
  const engine = await startEngine();
  await using scheduler = await JsonScheduler.subscribe(engine.address);
  const [offer] = await scheduler.offers();
  const task = jsonTask("forks", offer!.agent_id) as { executor: { command: { value: string } } };
  task.executor.command.value = "sleep 1000 & echo $! > forked; sleep 1000";
  await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations: [launch(task)] } });
  const forked = await until(() => forkedPid(), "the executor has forked");
  await engine.close();
  await until(() => !isAlive(forked), "what the executor has forked is killed");
  expect(executorPids().filter(isAlive)).toEqual([]);
});

function forkedPid(): number | undefined {
  const slaves = join(folder.path, "agents", "1", "slaves");
  const found = [...new Bun.Glob("**/runs/*/forked").scanSync({ cwd: slaves })][0];
  const pid = found === undefined ? 0 : Number(readFileSync(join(slaves, found), "utf8"));
  return pid > 0 ? pid : undefined;
}
