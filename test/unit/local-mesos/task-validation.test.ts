import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import type { Framework } from "../../../src/local/mesos/master/master-types.ts";
import { groupProblem } from "../../../src/local/mesos/master/task-group-validation.ts";
import { type LaunchContext, malformedResource, taskProblem } from "../../../src/local/mesos/master/task-validation.ts";
import { Resources } from "../../../src/local/mesos/resources.ts";
import { decodeMessage } from "../../../src/mesos/codec.ts";
import type { AgentId, ExecutorInfo, FrameworkId, TaskId, TaskInfo } from "../../../src/mesos/types.ts";

/* What a real master finds wrong with tasks, in its words; what was recorded stands in recordings.test.ts. */

const scalar = (name: string, value: number): object => ({ name, type: "SCALAR", scalar: { value } });
const offered = [scalar("cpus", 4), scalar("mem", 1024), scalar("disk", 1024)];
const resources = [scalar("cpus", 1), scalar("mem", 64)];
const command = { value: "true" };

/** In the API's own JSON, as a master would read it. */
function read(type: string, json: object): object {
  return decodeMessage(`mesos.v1.${type}`, utf8(JSON.stringify(json)), "application/json");
}

function taskOf(more: object): TaskInfo {
  return read("TaskInfo", {
    name: "n",
    task_id: { value: "t" },
    agent_id: { value: "a" },
    resources,
    command,
    ...more,
  }) as TaskInfo;
}

const context: LaunchContext = {
  framework: {
    id: "f" as FrameworkId,
    tasks: new Map([["used" as TaskId, {}]]),
    unreachableTasks: new Map([["away" as TaskId, {}]]),
  } as unknown as Framework,
  agentId: "a" as AgentId,
  role: "*",
  available: Resources.of((read("TaskInfo", { ...taskJson(), resources: offered }) as TaskInfo).resources),
  existing: undefined,
};

function taskJson(): object {
  return { name: "n", task_id: { value: "t" }, agent_id: { value: "a" } };
}

const problem = (more: object): string | undefined => {
  const task = taskOf(more);
  return malformedResource([task]) ?? taskProblem(task, context);
};

test("a task without fault has none", () => {
  expect(problem({})).toBeUndefined();
  const http = { port: 80, path: "/x", scheme: "https" };
  expect(
    problem({ health_check: { http, grace_period_seconds: 0 }, limits: { cpus: { value: 1 }, mem: { value: 64 } } }),
  ).toBeUndefined();
  expect(problem({ check: { type: "TCP", tcp: { port: 1 } }, limits: { mem: { value: "Infinity" } } })).toBeUndefined();
});

describe("a task is refused", () => {
  const check = "Task uses invalid check: ";
  const health = "Task uses invalid health check: ";
  const secret = { environment: { variables: [{ name: "V" }] }, value: "x" };
  const revocable = { ...scalar("cpus", 1), revocable: {} };
  const disk = { ...scalar("disk", 1), disk: { persistence: { id: "p" } } };
  const inRole = (role: string): object => ({ ...scalar("cpus", 1), allocation_info: { role } });
  const volume = {
    container_path: "/x",
    mode: "RW",
    host_path: "/y",
    image: { type: "DOCKER", docker: { name: "i" } },
  };

  test.each<[object, string]>([
    [{ task_id: { value: "" } }, "ID must not be empty"],
    [{ task_id: { value: "used" } }, "Task has duplicate ID: used"],
    [{ task_id: { value: "away" } }, "Task reuses the ID of an unreachable task: away"],
    [{ agent_id: { value: "b" } }, "Task uses invalid agent b while agent a is expected"],
    [{ kill_policy: { grace_period: { nanoseconds: -1 } } }, "Task's 'kill_policy.grace_period' must be non-negative"],
    [{ max_completion_time: { nanoseconds: -1 } }, "Task's `max_completion_time` must be non-negative"],
    [{ check: {} }, `${check}CheckInfo must specify 'type'`],
    [{ check: { type: "COMMAND" } }, `${check}Expecting 'command' to be set for COMMAND check`],
    [{ check: { type: "COMMAND", command: { command: {} } } }, `${check}Command check must contain 'shell command'`],
    [
      { check: { type: "COMMAND", command: { command: { shell: false } } } },
      `${check}Command check must contain 'executable path'`,
    ],
    [
      { check: { type: "COMMAND", command: { command: secret } } },
      `${check}Check's \`CommandInfo\` is invalid: Environment variable 'V' of type 'VALUE' must have a value set`,
    ],
    [{ check: { type: "HTTP" } }, `${check}Expecting 'http' to be set for HTTP check`],
    [
      { check: { type: "HTTP", http: { port: 1, path: "x" } } },
      `${check}The path 'x' of HTTP check must start with '/'`,
    ],
    [{ check: { type: "TCP" } }, `${check}Expecting 'tcp' to be set for TCP check`],
    [
      { check: { type: "TCP", tcp: { port: 1 }, delay_seconds: -1 } },
      `${check}Expecting 'delay_seconds' to be non-negative`,
    ],
    [
      { check: { type: "TCP", tcp: { port: 1 }, interval_seconds: -1 } },
      `${check}Expecting 'interval_seconds' to be non-negative`,
    ],
    [
      { check: { type: "TCP", tcp: { port: 1 }, timeout_seconds: -1 } },
      `${check}Expecting 'timeout_seconds' to be non-negative`,
    ],
    [{ health_check: {} }, `${health}HealthCheck must specify 'type'`],
    [{ health_check: { command: {} } }, `${health}Command health check must contain 'shell command'`],
    [{ health_check: { http: { port: 1, scheme: "ftp" } } }, `${health}Unsupported HTTP health check scheme: 'ftp'`],
    [
      { health_check: { type: "TCP", tcp: { port: 1 }, grace_period_seconds: -1 } },
      `${health}Expecting 'grace_period_seconds' to be non-negative`,
    ],
    [{ resources: [] }, "Task uses no resources"],
    [{ resources: [scalar("cpus", -1)] }, "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0"],
    [
      { resources: [scalar("gpus", 0.5)] },
      "Task uses invalid resources: Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer",
    ],
    [{ resources: [disk, disk] }, "Task uses duplicate persistence ID: Persistence ID 'p' is not unique"],
    [
      { resources: [inRole("a"), inRole("b")] },
      "Invalid task resources: The resources have multiple allocation roles ('a' and 'b') but only one allocation role is allowed",
    ],
    [
      { resources: [...resources, revocable] },
      "Task mixes revocable and non-revocable resources: Cannot use both revocable and non-revocable 'cpus' at the same time",
    ],
    [
      { command: secret },
      "Task's `CommandInfo` is invalid: Environment variable 'V' of type 'VALUE' must have a value set",
    ],
    [
      { container: { type: "MESOS", volumes: [volume] } },
      "Task's `ContainerInfo` is invalid: Invalid volume: Only one of them should be set: 'host_path', 'image' and 'source'",
    ],
    [
      { container: { type: "DOCKER" } },
      "Task's `ContainerInfo` is invalid: DockerInfo 'docker' is not set for DOCKER typed ContainerInfo",
    ],
    [{ limits: { disk: { value: 1 } } }, "Only cpus and mem may be included in a task's resource limits"],
    [
      { limits: { cpus: { value: 1 } }, resources: [scalar("mem", 1)] },
      "When a CPU limit is specified, a CPU request must also be specified",
    ],
    [
      { limits: { mem: { value: 1 } }, resources: [scalar("cpus", 1)] },
      "When a memory limit is specified, a memory request must also be specified",
    ],
    [{ limits: { cpus: { value: 0.5 } } }, "The cpu limit must be greater than or equal to the cpu request"],
    [{ limits: { mem: { value: 63 } } }, "The memory limit must be greater than or equal to the memory request"],
    [
      { executor: { executor_id: { value: "e" } } },
      "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present",
    ],
    [
      { container: { type: "MESOS", linux_info: { share_cgroups: false } } },
      "Only tasks in a task group may have 'share_cgroups' set to 'false'",
    ],
    [
      { resources: [scalar("cpus", 5)] },
      "Total resources cpus(allocated: *):5 required by task and its executor is more than available cpus(allocated: *):4; mem(allocated: *):1024; disk(allocated: *):1024",
    ],
  ])("%j", (more, words) => {
    expect(problem(more)).toBe(words);
  });
});

test("a group is refused where one of its tasks is wrong, with that task's name", () => {
  const executor = read("ExecutorInfo", {
    executor_id: { value: "e" },
    type: "DEFAULT",
    framework_id: { value: "f" },
    resources: [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 1)],
  }) as ExecutorInfo;
  const networked = { container: { type: "MESOS", network_infos: [{ name: "net" }] } };
  const health_check = { type: "TCP", tcp: { port: 1 } };
  const refusal = (more: object): string | undefined => groupProblem(executor, [taskOf(more)], context);
  expect(refusal({})).toBeUndefined();
  expect(refusal({ health_check })).toBeUndefined();
  expect(refusal({ health_check, ...networked })).toBe(
    "Task 't' is invalid: HTTP and TCP health checks are not supported for nested containers not joining parent's network",
  );
  expect(refusal({ check: {} })).toBe("Task 't' is invalid: Task uses invalid check: CheckInfo must specify 'type'");
});
