import { resolve } from "node:path";
import { type CliCommand, parseCliArgs } from "./command.ts";

const usage = `Usage: brigade executor [--policy FILE]

Started by a Mesos agent: runs the programs of one processor on that agent. It reads the environment that agents give to
executors (MESOS_FRAMEWORK_ID, MESOS_EXECUTOR_ID, MESOS_AGENT_ENDPOINT, …), serves until it has been idle for long, and
writes its log to standard error.

  --policy FILE   what processors may do on this agent (default: /etc/brigade/agent.json, which need not be there)
`;

export const executorCommand: CliCommand = {
  name: "executor",
  summary: "run programs on an agent; started by Mesos",
  usage,
  async run(args, { env, cwd, signal }) {
    const { values } = parseCliArgs({ args: [...args], options: { policy: { type: "string" } } });
    const { executorMain } = await import("../../executor/main.ts");
    return executorMain(env, {
      signal,
      ...(values.policy === undefined ? {} : { policyFile: resolve(cwd, values.policy) }),
    });
  },
};
