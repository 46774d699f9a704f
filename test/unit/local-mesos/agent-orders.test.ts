import { expect, test } from "bun:test";
import { seededRandom } from "../../../src/base/random.ts";
import { Agent } from "../../../src/local/mesos/agent/agent.ts";
import { recall } from "../../../src/local/mesos/agent/agent-memory.ts";
import type { AgentCommand } from "../../../src/local/mesos/agent/agent-types.ts";
import type { AgentOrder } from "../../../src/local/mesos/agent-messages.ts";
import type { ExecutorId, FrameworkId, Resource, TaskId, TaskInfo } from "../../../src/mesos/types.ts";
import { agentSettings } from "../../support/mesos/agent-settings.ts";

const frameworkId = "f" as FrameworkId;
const executorId = "e" as ExecutorId;
const now = { monotonicMs: 0, wallMs: 0 };
const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });
const resources = [scalar("cpus", 1), scalar("mem", 32)];

function running(): (order: AgentOrder) => AgentCommand[] {
  const agent = new Agent(agentSettings, seededRandom(1));
  agent.start(recall([]), now);
  return (order) => agent.step({ type: "order", order }, now);
}

test("a task that arrived after the agent had registered without it is not disowned; one that never came is", () => {
  const order = running();
  const task: TaskInfo = { name: "t", taskId: "came" as TaskId, agentId: agentSettings.id, resources };
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
