import { isJsonObject } from "../base/json.ts";
import { OperatorUnavailableError } from "./errors.ts";
import type { AgentId, FrameworkId, Label, TaskId } from "./types.ts";

/*
 * What is read of the operator API's JSON answers. They are edges: whatever has another shape is an error that may pass
 * with another master, never a guess.
 */

/** A framework that the master has: connected, waited for, or known from its agents alone. */
export interface MasterFramework {
  readonly id: FrameworkId;
  readonly name: string;
  /** Whether a scheduler is subscribed, as far as the master can see. */
  readonly connected: boolean;
  readonly labels: readonly Label[];
}

export interface MasterTask {
  readonly taskId: TaskId;
  readonly frameworkId: FrameworkId;
  /** Whether the master believes that it has not ended. */
  readonly live: boolean;
  /** Where it is or was; undefined where the master reaches that agent. */
  readonly unreachableAgentId: AgentId | undefined;
}

/** Of GET_FRAMEWORKS. Frameworks that are over are left out. */
export function readFrameworks(answer: unknown): readonly MasterFramework[] {
  const { frameworks } = record(record(answer, "answer")["get_frameworks"], "get_frameworks");
  return list(frameworks, "frameworks").map((entry) => {
    const framework = record(entry, "framework");
    const info = record(framework["framework_info"], "framework_info");
    return {
      id: idOf(info["id"], "framework_info.id") as FrameworkId,
      name: text(info["name"], "framework_info.name"),
      connected: framework["connected"] === true,
      labels: readLabels(info["labels"]),
    };
  });
}

/** Of GET_TASKS: also those on unreachable agents, and those that have ended as long as the master remembers them. */
export function readTasks(answer: unknown): readonly MasterTask[] {
  const tasks = record(record(answer, "answer")["get_tasks"], "get_tasks");
  const read = (name: "tasks" | "unreachable_tasks" | "completed_tasks"): MasterTask[] =>
    list(tasks[name], name).map((entry) => {
      const task = record(entry, "task");
      return {
        taskId: idOf(task["task_id"], "task_id") as TaskId,
        frameworkId: idOf(task["framework_id"], "framework_id") as FrameworkId,
        live: name !== "completed_tasks",
        unreachableAgentId: name === "unreachable_tasks" ? (idOf(task["agent_id"], "agent_id") as AgentId) : undefined,
      };
    });
  return [...read("tasks"), ...read("unreachable_tasks"), ...read("completed_tasks")];
}

/** Of GET_AGENTS: how many agents the master still expects back since it came to lead. */
export function readRecoveredAgents(answer: unknown): number {
  const agents = record(record(answer, "answer")["get_agents"], "get_agents");
  return list(agents["recovered_agents"], "recovered_agents").length;
}

function readLabels(labels: unknown): readonly Label[] {
  if (labels === undefined) return [];
  return list(record(labels, "labels")["labels"], "labels").map((entry) => {
    const { key, value } = record(entry, "label");
    return { key: text(key, "label.key"), ...(typeof value === "string" ? { value } : {}) };
  });
}

function idOf(id: unknown, name: string): string {
  return text(record(id, name)["value"], name);
}

function record(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (isJsonObject(value)) return value;
  throw unexpected(name, "an object");
}

/** Absent is empty: Mesos leaves empty lists out in some versions. */
function list(value: unknown, name: string): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw unexpected(name, "a list");
}

function text(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw unexpected(name, "text");
}

function unexpected(name: string, wanted: string): OperatorUnavailableError {
  return new OperatorUnavailableError(`Cannot read the master's answer: ${name} must be ${wanted}`);
}
