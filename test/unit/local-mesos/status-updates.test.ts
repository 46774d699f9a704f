import { expect, test } from "bun:test";
import { seededRandom, uuidBytes } from "../../../src/base/random.ts";
import { type Forward, StatusUpdates } from "../../../src/local/mesos/agent/status-updates.ts";
import type { FrameworkId, TaskId, TaskState, TaskStatus } from "../../../src/mesos/types.ts";

const framework = "f" as FrameworkId;
const random = seededRandom(1);

function status(taskId: string, state: TaskState): TaskStatus & { uuid: Uint8Array } {
  return { taskId: taskId as TaskId, state, uuid: uuidBytes(random) };
}

function connected(): { updates: StatusUpdates; forwarded: string[]; wakeUntil: (ms: number) => number[] } {
  const forwarded: string[] = [];
  const updates = new StatusUpdates(({ status: { taskId, state }, latestState }: Forward) =>
    forwarded.push(state === latestState ? `${taskId} ${state}` : `${taskId} ${state}, now ${latestState}`),
  );
  updates.resend(0);
  const wakeUntil = (ms: number): number[] => {
    const at: number[] = [];
    for (let next = updates.nextWakeMs; next !== undefined && next <= ms; next = updates.nextWakeMs) {
      const before = forwarded.length;
      updates.wake(next);
      if (forwarded.length > before) at.push(next);
    }
    return at;
  };
  return { updates, forwarded, wakeUntil };
}

test("an update is sent again after 10 s, 20 s and so on up to 10 minutes, until it is acknowledged", () => {
  const { updates, wakeUntil } = connected();
  const running = status("t", "TASK_RUNNING");
  updates.add(framework, running, 0);
  const at = wakeUntil(3_000_000);
  const pauses = at.map((ms, i) => ms - (at[i - 1] ?? 0));
  expect(pauses).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000, 600_000]);
  expect(updates.acknowledge(framework, running.taskId, running.uuid, 3_000_000)).toBe("acknowledged");
  expect(wakeUntil(10_000_000)).toEqual([]);
});

test("a later update of a task waits for the acknowledgement of the first, and tells of itself by the latest state", () => {
  const { updates, forwarded, wakeUntil } = connected();
  const [running, finished] = [status("t", "TASK_RUNNING"), status("t", "TASK_FINISHED")];
  updates.add(framework, running, 0);
  updates.add(framework, finished, 1);
  updates.add(framework, status("other", "TASK_RUNNING"), 1);
  expect(forwarded).toEqual(["t TASK_RUNNING", "other TASK_RUNNING"]);
  wakeUntil(10_000);
  expect(forwarded.at(-1)).toBe("t TASK_RUNNING, now TASK_FINISHED");
  expect(updates.acknowledge(framework, finished.taskId, finished.uuid, 10_000)).toBe("ignored");
  updates.acknowledge(framework, running.taskId, running.uuid, 10_000);
  expect(forwarded.at(-1)).toBe("t TASK_FINISHED");
  expect(updates.acknowledge(framework, finished.taskId, finished.uuid, 10_001)).toBe("finished");
  expect(updates.hasTask(framework, finished.taskId)).toBe(false);
});

test("a repeated uuid is known as long as the task is not finished", () => {
  const { updates } = connected();
  const running = status("t", "TASK_RUNNING");
  updates.add(framework, running, 0);
  updates.acknowledge(framework, running.taskId, running.uuid, 0);
  expect(updates.has(framework, running)).toBe(true);
  expect(updates.has(framework, status("t", "TASK_RUNNING"))).toBe(false);
});

test("resending sends the oldest pending update of every task, and starts its pauses anew", () => {
  const { updates, forwarded, wakeUntil } = connected();
  updates.add(framework, status("a", "TASK_RUNNING"), 0);
  updates.add(framework, status("b", "TASK_FINISHED"), 0);
  wakeUntil(30_000);
  forwarded.length = 0;
  updates.resend(31_000);
  expect(forwarded).toEqual(["a TASK_RUNNING", "b TASK_FINISHED"]);
  expect(wakeUntil(45_000)).toEqual([41_000]);
  expect(forwarded).toHaveLength(4);
});

test("nothing is sent before the agent is registered, nor for a framework that was removed", () => {
  const forwarded: Forward[] = [];
  const updates = new StatusUpdates((forward) => forwarded.push(forward));
  updates.add(framework, status("t", "TASK_RUNNING"), 0);
  expect(forwarded).toEqual([]);
  updates.removeFramework(framework);
  updates.resend(1);
  expect(forwarded).toEqual([]);
});
