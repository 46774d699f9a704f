import type { CliCommand } from "./command.ts";

const usage = `Usage: brigade executor

Started by a Mesos agent: runs the programs of one processor on that agent. It reads the environment that agents give to
executors (MESOS_FRAMEWORK_ID, MESOS_EXECUTOR_ID, MESOS_AGENT_ENDPOINT, …), serves until it has been idle for long, and
writes its log to standard error.
`;

export const executorCommand: CliCommand = {
  name: "executor",
  summary: "run programs on an agent; started by Mesos",
  usage,
  async run(_, { env, signal }) {
    const { executorMain } = await import("../../executor/main.ts");
    return executorMain(env, { signal });
  },
};
