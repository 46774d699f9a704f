import { UsageError } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";

const usage = `Usage: brigade mesos-executor command | default

Started by an embedded Mesos agent: runs tasks that bring no executor of their own, a single command or a group of them.
`;

export const mesosExecutorCommand: CliCommand = {
  name: "mesos-executor",
  summary: "runs commands for an embedded Mesos agent",
  usage,
  async run([kind, ...rest], { env }) {
    if ((kind !== "command" && kind !== "default") || rest.length > 0) {
      throw new UsageError(`mesos-executor takes "command" or "default", and nothing else`);
    }
    const { builtInExecutorMain } = await import("../local/mesos/built-in/main.ts");
    return builtInExecutorMain(kind, env);
  },
};
