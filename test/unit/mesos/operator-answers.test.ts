import { expect, test } from "bun:test";
import { readFrameworks, readRecoveredAgents, readTasks } from "../../../src/mesos/operator-answers.ts";
import { readRecording } from "../../support/mesos-recordings.ts";

/** What a real master answered to its operator. */
function recorded(type: string): unknown {
  const { lines } = readRecording("21-state");
  const answer = lines.find(
    ({ kind, body }) =>
      kind === "response-body" && typeof body === "object" && body !== null && "type" in body && body.type === type,
  );
  if (answer === undefined) throw new Error(`there is no answer to ${type} in the recording`);
  return answer.body;
}

test("frameworks of a real master are read with id, name and whether they are connected", () => {
  const [framework, ...others] = readFrameworks(recorded("GET_FRAMEWORKS"));
  expect(others).toEqual([]);
  expect(framework).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}-0000$/),
    name: "recorder",
    connected: true,
    labels: [],
  });
});

test("tasks of a real master are read whether or not they have ended", () => {
  const tasks = readTasks(recorded("GET_TASKS"));
  expect(tasks.map(({ taskId, live }) => `${taskId} ${live}`)).toEqual(["one true", "two false"]);
  expect(tasks[0]?.frameworkId).toMatch(/-0000$/);
});

test("a task on an agent that the master does not reach is told with that agent", () => {
  const one = (id: string): unknown => ({
    task_id: { value: id },
    framework_id: { value: "f" },
    agent_id: { value: "a7" },
  });
  const tasks = readTasks({ get_tasks: { tasks: [one("here")], unreachable_tasks: [one("away")] } });
  expect(tasks.map(({ taskId, live, unreachableAgentId }) => [taskId, live, unreachableAgentId] as unknown[])).toEqual([
    ["here", true, undefined],
    ["away", true, "a7"],
  ]);
});

test("agents that are to return are counted", () => {
  expect(readRecoveredAgents(recorded("GET_AGENTS"))).toBe(0);
  expect(readRecoveredAgents({ get_agents: { recovered_agents: [{}, {}] } })).toBe(2);
});

test("labels are read, also those without a value", () => {
  const labels = { labels: [{ key: "a", value: "b" }, { key: "c" }] };
  const framework = { framework_info: { id: { value: "f" }, name: "n", labels } };
  expect(readFrameworks({ get_frameworks: { frameworks: [framework] } })).toEqual([
    { id: "f", name: "n", connected: false, labels: labels.labels } as never,
  ]);
});

test("lists that are left out are empty", () => {
  expect(readFrameworks({ get_frameworks: {} })).toEqual([]);
  expect(readTasks({ get_tasks: {} })).toEqual([]);
  expect(readRecoveredAgents({ get_agents: {} })).toBe(0);
});

test("another shape is an error that names the place", () => {
  expect(() => readFrameworks([])).toThrow("Cannot read the master's answer: answer must be an object");
  expect(() => readFrameworks({ get_frameworks: { frameworks: {} } })).toThrow("frameworks must be a list");
  expect(() => readTasks({ get_tasks: { tasks: [{ task_id: "one" }] } })).toThrow("task_id must be an object");
});
