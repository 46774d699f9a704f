import { expect, test } from "bun:test";
import { seededRandom } from "../../../src/base/random.ts";
import type { AgentReport, ReportedTask } from "../../../src/local/mesos/agent-messages.ts";
import { Master, type MasterEvent } from "../../../src/local/mesos/master/master.ts";
import { defaultMasterSettings } from "../../../src/local/mesos/master/master-server.ts";
import type { SchedulerEvent } from "../../../src/mesos/scheduler-api.ts";
import type { AgentId, FrameworkId, OfferId, Resource, TaskId, TaskInfo } from "../../../src/mesos/types.ts";

const agentId = "a" as AgentId;
const now = { monotonicMs: 0, wallMs: 0 };
const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });

function taskOf(id: string): TaskInfo {
  const resources = [scalar("cpus", 1), scalar("mem", 32)];
  return { name: id, taskId: id as TaskId, agentId, resources, command: { value: "true" } };
}

/** A master with one agent and a framework without checkpoint, of which two tasks run there. */
function running() {
  const masterInfo = { id: "m", ip: 16_777_343, port: 5050, hostname: "127.0.0.1" };
  const master = new Master({ ...defaultMasterSettings, masterInfo, startedMs: 0 }, seededRandom(1));
  const step = (event: MasterEvent): SchedulerEvent[] =>
    master.step(event, now).flatMap((command) => (command.type === "send" ? [command.event] : []));
  const info = { user: "root", name: "f", checkpoint: false };
  step({ type: "subscribe", streamId: "s", frameworkId: undefined, info, suppressedRoles: [] });
  const frameworkId = "m-0000" as FrameworkId;
  const register = (...ids: readonly string[]): SchedulerEvent[] => {
    const tasks = ids.map(
      (id): ReportedTask => ({ task: taskOf(id), executorId: undefined, state: "TASK_RUNNING", statuses: [] }),
    );
    const report: AgentReport = {
      type: "registered",
      info: { hostname: "h", port: 5051, id: agentId, resources: [scalar("cpus", 4), scalar("mem", 2048)] },
      endpoint: { hostname: "h", ip: "127.0.0.1", port: 5051 },
      processName: "slave(1)",
      frameworks: ids.length === 0 ? [] : [{ info: { ...info, id: frameworkId }, executors: [], tasks }],
    };
    return step({ type: "agent", agentId, report });
  };
  register();
  step({ type: "wake" });
  const offerIds = [...master.state.offers.keys()] as OfferId[];
  const operations = [{ type: "LAUNCH", taskInfos: [taskOf("one"), taskOf("two")] } as const];
  step({ type: "call", frameworkId, call: { type: "ACCEPT", offerIds, operations } });
  return { step, register };
}

function lost(events: readonly SchedulerEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === "UPDATE" && event.status.state === "TASK_LOST" ? [event.status.taskId] : [],
  );
}

test("an agent that registers again before its loss was seen loses only the tasks that it has not", () => {
  const { register } = running();
  expect(lost(register("one"))).toEqual(["two"]);
});

test("an agent whose connection is seen to break loses the tasks of frameworks without a checkpoint", () => {
  const { step } = running();
  expect(lost(step({ type: "agent-disconnected", agentId }))).toEqual(["one", "two"]);
});
