import type { AgentOrder, AgentReport } from "../../../src/local/mesos/agent-messages.ts";
import type {
  AgentId,
  ExecutorId,
  ExecutorInfo,
  FrameworkId,
  FrameworkInfo,
  TaskId,
  TaskInfo,
  TaskStatus,
} from "../../../src/mesos/types.ts";

/* One of each kind of what master and agent say to each other; some with everything that they may have, some without. */

const frameworkId = "f-1" as FrameworkId;
const executorId = "e-1" as ExecutorId;
const agentId = "a-1" as AgentId;
const taskId = "t-1" as TaskId;
const framework: FrameworkInfo = { user: "root", name: "brigade", id: frameworkId, checkpoint: true, roles: ["a/b"] };
const executor: ExecutorInfo = {
  type: "CUSTOM",
  executorId,
  frameworkId,
  command: { value: "exec é", shell: true },
  resources: [{ name: "cpus", type: "SCALAR", scalar: { value: 0.1 } }],
};
const task: TaskInfo = {
  name: "t",
  taskId,
  agentId,
  resources: [{ name: "ports", type: "RANGES", ranges: { range: [{ begin: 1, end: 2 }] } }],
  executor,
  data: Uint8Array.from({ length: 256 }, (_, index) => index),
  labels: { labels: [{ key: "k", value: "v" }] },
};
const status: TaskStatus = {
  taskId,
  state: "TASK_FINISHED",
  source: "SOURCE_EXECUTOR",
  agentId,
  executorId,
  timestamp: 1_700_000_000.25,
  uuid: new Uint8Array(16).fill(7),
  data: new Uint8Array([0, 255]),
};

export const sampleOrders: readonly AgentOrder[] = [
  { type: "run-tasks", framework, tasks: [task, task], isGroup: true, executor, launchExecutor: false },
  { type: "run-tasks", framework, tasks: [task], isGroup: false, executor: undefined, launchExecutor: true },
  { type: "kill-task", frameworkId, taskId, killPolicy: { gracePeriod: { nanoseconds: 5 } } },
  { type: "kill-task", frameworkId, taskId, killPolicy: undefined },
  { type: "shutdown-executor", frameworkId, executorId },
  { type: "shutdown-framework", frameworkId },
  { type: "acknowledge", frameworkId, taskId, uuid: new Uint8Array(16).fill(9) },
  { type: "message", frameworkId, executorId, data: new Uint8Array(0) },
  {
    type: "reconcile-tasks",
    tasks: [
      { frameworkId, taskId, executorId },
      { frameworkId, taskId, executorId: undefined },
    ],
  },
  { type: "ping" },
  { type: "reregister" },
  { type: "drain", maxGracePeriodMs: 3000, markGone: false },
  { type: "drain", maxGracePeriodMs: undefined, markGone: true },
  { type: "shutdown" },
  { type: "update-framework", framework },
];

export const sampleReports: readonly AgentReport[] = [
  {
    type: "registered",
    info: {
      hostname: "agent-1",
      port: 5051,
      id: agentId,
      resources: [{ name: "mem", type: "SCALAR", scalar: { value: 512 } }],
      attributes: [{ name: "rack", type: "TEXT", text: { value: "r1" } }],
    },
    endpoint: { hostname: "agent-1", ip: "10.0.0.1", port: 5051 },
    processName: "slave(1)",
    frameworks: [
      {
        info: framework,
        executors: [executor],
        tasks: [
          { task, executorId, state: "TASK_RUNNING", statuses: [status] },
          { task, executorId: undefined, state: "TASK_STAGING", statuses: [] },
        ],
      },
    ],
  },
  { type: "update", frameworkId, status, latestState: "TASK_FINISHED" },
  { type: "executor-exited", frameworkId, executorId, waitStatus: -1 },
  { type: "message", frameworkId, executorId, data: new Uint8Array([1, 2, 3]) },
  { type: "pong" },
  { type: "unregistered" },
];
