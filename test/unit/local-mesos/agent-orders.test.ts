import { expect, test } from "bun:test";
import { seededRandom } from "../../../src/base/random.ts";
import { Agent } from "../../../src/local/mesos/agent/agent.ts";
import { recall } from "../../../src/local/mesos/agent/agent-memory.ts";
import type { AgentCommand } from "../../../src/local/mesos/agent/agent-types.ts";
import type { AgentOrder } from "../../../src/local/mesos/agent-messages.ts";
import type { AgentId, ExecutorId, FrameworkId, Resource, TaskId, TaskInfo } from "../../../src/mesos/types.ts";

const agentId = "a" as AgentId;
const frameworkId = "f" as FrameworkId;
const executorId = "e" as ExecutorId;
const now = { monotonicMs: 0, wallMs: 0 };
const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });
const resources = [scalar("cpus", 1), scalar("mem", 32)];

function running(): (order: AgentOrder) => AgentCommand[] {
  const endpoint = { hostname: "h", ip: "127.0.0.1", port: 5051 };
  const agent = new Agent(
    {
      id: agentId,
      info: { id: agentId, hostname: "h", port: 5051, resources: [scalar("cpus", 4), scalar("mem", 2048)] },
      endpoint,
      processName: "slave(1)",
      builtInExecutor: ["mesos-executor"],
      executorRegistrationTimeoutMs: 60_000,
      executorReregistrationTimeoutMs: 2000,
      executorShutdownGraceMs: 5000,
      recoveryTimeoutMs: 900_000,
      startedMs: 0,
      masterHostname: "h",
      workDir: "/nonexistent/work",
    },
    seededRandom(1),
  );
  agent.start(recall([]), now);
  return (order) => agent.step({ type: "order", order }, now);
}

test("a task that arrived after the agent had registered without it is not disowned; one that never came is", () => {
  const order = running();
  const task: TaskInfo = { name: "t", taskId: "came" as TaskId, agentId, resources };
  const executor = { executorId, frameworkId, command: { value: "true" }, resources };
  order({
    type: "run-tasks",
    framework: { user: "root", name: "f", id: frameworkId },
    tasks: [{ ...task, executor }],
    isGroup: false,
    executor,
    launchExecutor: true,
  });
  const never = "never" as TaskId;
  const tasks = [task.taskId, never].map((taskId) => ({ frameworkId, taskId, executorId }));
  const said = order({ type: "reconcile-tasks", tasks }).flatMap((command) =>
    command.type === "report" && command.report.type === "update" ? [command.report.status] : [],
  );
  expect(said).toMatchObject([{ taskId: never, reason: "REASON_RECONCILIATION" }]);
});
