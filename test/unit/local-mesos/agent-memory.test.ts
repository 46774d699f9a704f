import { expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom, uuidBytes } from "../../../src/base/random.ts";
import { AgentJournal, readJournal } from "../../../src/local/mesos/agent/agent-journal.ts";
import { type AgentFact, recall } from "../../../src/local/mesos/agent/agent-memory.ts";
import type {
  AgentId,
  ContainerId,
  ExecutorId,
  FrameworkId,
  TaskId,
  TaskState,
  TaskStatus,
} from "../../../src/mesos/types.ts";

const random = seededRandom(1);
const frameworkId = "f" as FrameworkId;
const containerId = "c" as ContainerId;

const framework: AgentFact = { type: "framework", info: { id: frameworkId, user: "u", name: "n", checkpoint: true } };
const executor: AgentFact = {
  type: "executor",
  frameworkId,
  containerId,
  kind: "custom",
  info: { executorId: "e" as ExecutorId },
};
const started: AgentFact = { type: "process", containerId, pid: 17, startTime: "4711" };
const exited: AgentFact = { type: "exited", containerId };

function task(id: string): AgentFact {
  const info = { name: id, taskId: id as TaskId, agentId: "a" as AgentId };
  return { type: "task", containerId, task: info, state: "TASK_STAGING" };
}

function update(id: string, state: TaskState): Extract<AgentFact, { type: "update" }> & { status: TaskStatus } {
  const status = { taskId: id as TaskId, state, uuid: uuidBytes(random), data: new Uint8Array([1, 2, 255]) };
  return { type: "update", frameworkId, status };
}

function acknowledged({ status }: { status: TaskStatus }): AgentFact {
  return { type: "acknowledged", frameworkId, taskId: status.taskId, uuid: status.uuid ?? new Uint8Array(0) };
}

test("an executor, its tasks with their states and their pending updates are remembered", () => {
  const [running, finished] = [update("t", "TASK_RUNNING"), update("t", "TASK_FINISHED")];
  const facts = [framework, executor, started, task("t"), running, acknowledged(running), finished];
  const remembered = recall(facts).get(frameworkId);
  expect(remembered?.executors.get(containerId)).toMatchObject({
    process: { pid: 17, startTime: "4711" },
    exited: false,
  });
  expect(remembered?.executors.get(containerId)?.tasks.get("t" as TaskId)?.state).toBe("TASK_FINISHED");
  expect(remembered?.updates.get("t" as TaskId)).toEqual([finished.status]);
});

test("a task is forgotten with the acknowledgement of its terminal update, an ended executor with its last task", () => {
  const finished = update("t", "TASK_FINISHED");
  const facts = [framework, executor, started, task("t"), finished, exited];
  expect(recall(facts).size).toBe(1);
  expect(recall([...facts, acknowledged(finished)]).size).toBe(0);
});

test("a late acknowledgement of an update that is not the first changes nothing", () => {
  const [running, finished] = [update("t", "TASK_RUNNING"), update("t", "TASK_FINISHED")];
  const remembered = recall([framework, executor, task("t"), running, finished, acknowledged(finished)]).get(
    frameworkId,
  );
  expect(remembered?.updates.get("t" as TaskId)).toHaveLength(2);
});

test("of a removed framework only the executors that have not ended are remembered", () => {
  const removed: AgentFact = { type: "framework-removed", frameworkId };
  const facts = [framework, executor, started, task("t"), update("t", "TASK_RUNNING"), removed];
  const remembered = recall(facts).get(frameworkId);
  expect(remembered?.removed).toBe(true);
  expect(remembered?.updates.size).toBe(0);
  expect(recall([...facts, exited]).size).toBe(0);
});

test("a journal gives back what was written, bytes included, and leaves out a line cut off by a crash", async () => {
  const folder = mkdtempSync(join(tmpdir(), "brigade-journal-"));
  try {
    const facts: AgentFact[] = [framework, executor];
    const journal = new AgentJournal(folder, () => facts);
    journal.compact();
    const more = [started, task("t"), update("t", "TASK_RUNNING")];
    for (const fact of more) journal.append(fact);
    journal.close();
    appendFileSync(join(folder, "journal.ndjson"), '{"type":"exi');
    expect(readJournal(folder, silentLogger)).toEqual([...facts, ...more]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
