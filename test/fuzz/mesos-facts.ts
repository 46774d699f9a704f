import { showUtf8, utf8 } from "../../src/base/bytes.ts";
import { InputError } from "../../src/base/errors.ts";
import { OperatorUnavailableError } from "../../src/mesos/errors.ts";
import { readExecutorEnvironment } from "../../src/mesos/executor-environment.ts";
import { hostPortOf } from "../../src/mesos/host-port.ts";
import { readFrameworks, readRecoveredAgents, readTasks } from "../../src/mesos/operator-answers.ts";
import type { FuzzTarget } from "./target.ts";

/* What masters and agents say of themselves, of frameworks and of tasks, outside of the two event streams. */

const answers = [
  {
    get_frameworks: {
      frameworks: [
        {
          framework_info: { id: { value: "f" }, name: "n", labels: { labels: [{ key: "k", value: "v" }] } },
          connected: true,
        },
      ],
    },
  },
  {
    get_tasks: {
      tasks: [{ task_id: { value: "t" }, framework_id: { value: "f" }, agent_id: { value: "a" } }],
      unreachable_tasks: [{ task_id: { value: "t" }, framework_id: { value: "f" }, agent_id: { value: "a" } }],
    },
  },
  { get_agents: { recovered_agents: [{ id: { value: "a" } }] } },
];

const environment = [
  "MESOS_FRAMEWORK_ID=f",
  "MESOS_EXECUTOR_ID=e",
  "MESOS_SLAVE_ID=a",
  "MESOS_SLAVE_PID=slave(1)@10.0.0.1:5051",
  "MESOS_AGENT_ENDPOINT=10.0.0.1:5051",
  "MESOS_CHECKPOINT=1",
  "MESOS_RECOVERY_TIMEOUT=15mins",
  "MESOS_SUBSCRIPTION_BACKOFF_MAX=2secs",
].join("\n");

export const mesosFactTargets: readonly FuzzTarget[] = [
  {
    name: "mesos/answers to an operator",
    samples: answers.map((answer) => utf8(JSON.stringify(answer))),
    read(input) {
      let answer: unknown;
      try {
        answer = JSON.parse(showUtf8(input));
      } catch (error) {
        if (error instanceof SyntaxError) throw new OperatorUnavailableError("it is not JSON");
        throw error;
      }
      for (const reader of [readFrameworks, readTasks, readRecoveredAgents]) {
        try {
          reader(answer);
        } catch (error) {
          if (!(error instanceof OperatorUnavailableError)) throw error;
        }
      }
    },
    refusals: [OperatorUnavailableError],
  },
  {
    name: "mesos/redirection",
    samples: ["//10.0.0.1:5050/master/api/v1/scheduler", "http://[::1]:5050/a?b#c"].map(utf8),
    read: (input) => void hostPortOf(showUtf8(input)),
    refusals: [],
  },
  {
    name: "mesos/environment of an executor",
    samples: [utf8(environment)],
    read(input) {
      const lines = showUtf8(input)
        .split("\n")
        .map((line) => line.split("=", 2) as [string, string?]);
      readExecutorEnvironment(Object.fromEntries(lines));
    },
    refusals: [InputError],
  },
];
