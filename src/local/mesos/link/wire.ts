import { decodeUtf8, utf8 } from "../../../base/bytes.ts";
import type {
  Address,
  AgentInfo,
  ExecutorId,
  ExecutorInfo,
  FrameworkId,
  FrameworkInfo,
  KillPolicy,
  TaskId,
  TaskInfo,
  TaskState,
  TaskStatus,
} from "../../../mesos/types.ts";
import type { AgentOrder, AgentReport, ReportedFramework, ReportedTask } from "../agent-messages.ts";
import { LinkProtocolError } from "./errors.ts";
import { bytes, flag, list, message, number, object, oneOf, optional, type Part, text, variant } from "./parts.ts";

/*
 * Orders and reports as they go over the wire between a master and an agent of their own processes: one JSON object each.
 */

const frameworkId = text<FrameworkId>();
const taskId = text<TaskId>();
const executorId = text<ExecutorId>();
const taskState: Part<TaskState> = oneOf([
  "TASK_STAGING",
  "TASK_STARTING",
  "TASK_RUNNING",
  "TASK_KILLING",
  "TASK_FINISHED",
  "TASK_FAILED",
  "TASK_KILLED",
  "TASK_ERROR",
  "TASK_LOST",
  "TASK_DROPPED",
  "TASK_UNREACHABLE",
  "TASK_GONE",
  "TASK_GONE_BY_OPERATOR",
  "TASK_UNKNOWN",
]);
const frameworkInfo = message<FrameworkInfo>("FrameworkInfo");
const executorInfo = message<ExecutorInfo>("ExecutorInfo");
const taskInfo = message<TaskInfo>("TaskInfo");
const taskStatus = message<TaskStatus>("TaskStatus");
const nothing = object<object>({});

const order: Part<AgentOrder> = variant<AgentOrder>({
  "run-tasks": object({
    framework: frameworkInfo,
    tasks: list(taskInfo),
    isGroup: flag,
    executor: optional(executorInfo),
    launchExecutor: flag,
  }),
  "kill-task": object({ frameworkId, taskId, killPolicy: optional(message<KillPolicy>("KillPolicy")) }),
  "shutdown-executor": object({ frameworkId, executorId }),
  "shutdown-framework": object({ frameworkId }),
  acknowledge: object({ frameworkId, taskId, uuid: bytes }),
  message: object({ frameworkId, executorId, data: bytes }),
  "reconcile-tasks": object({ tasks: list(object({ frameworkId, taskId, executorId: optional(executorId) })) }),
  ping: nothing,
  reregister: nothing,
  drain: object({ maxGracePeriodMs: optional(number), markGone: flag }),
  shutdown: nothing,
  "update-framework": object({ framework: frameworkInfo }),
});

const reportedTask: Part<ReportedTask> = object({
  task: taskInfo,
  executorId: optional(executorId),
  state: taskState,
  statuses: list(taskStatus),
});

const reportedFramework: Part<ReportedFramework> = object({
  info: frameworkInfo,
  executors: list(executorInfo),
  tasks: list(reportedTask),
});

const report: Part<AgentReport> = variant<AgentReport>({
  registered: object({
    info: message<AgentInfo>("AgentInfo"),
    endpoint: message<Address>("Address"),
    processName: text(),
    frameworks: list(reportedFramework),
  }),
  update: object({ frameworkId, status: taskStatus, latestState: taskState }),
  "executor-exited": object({ frameworkId, executorId, waitStatus: number }),
  message: object({ frameworkId, executorId, data: bytes }),
  pong: nothing,
  unregistered: nothing,
});

export const encodeOrder = (value: AgentOrder): Uint8Array => encode(order, value);
export const encodeReport = (value: AgentReport): Uint8Array => encode(report, value);

/** @throws {LinkProtocolError} */
export const decodeOrder = (received: Uint8Array): AgentOrder => decode(order, received, "order");
/** @throws {LinkProtocolError} */
export const decodeReport = (received: Uint8Array): AgentReport => decode(report, received, "report");

function encode<T>(part: Part<T>, value: T): Uint8Array {
  return utf8(JSON.stringify(part.write(value)));
}

function decode<T>(part: Part<T>, received: Uint8Array, what: string): T {
  let json: unknown;
  try {
    json = JSON.parse(decodeUtf8(received) ?? "");
  } catch (cause) {
    throw new LinkProtocolError(`Cannot read ${what}: it is not JSON`, { cause });
  }
  return part.read(json, what);
}
