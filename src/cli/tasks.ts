import type { TaskView } from "../api/scheduler-port.ts";
import { formatAge } from "./age.ts";
import { answerOf, apiClient, apiOption } from "./api-client.ts";
import { type CliCommand, exitCodes, parseCliArgs } from "./command.ts";
import { formatTable } from "./table.ts";

const usage = `Usage: brigade tasks [--processor NAME] [--api URL] [--json]

Lists the Mesos tasks of a running scheduler, each with the record that it runs and how long it has been in its state. A
task that has ended is listed until its result is settled; one that is unreachable may still run, or come back with a
result.

  --processor NAME    only those of one processor
${apiOption}
  --json       print the API's answer
`;

export const tasksCommand: CliCommand = {
  name: "tasks",
  summary: "list the tasks of a running scheduler",
  usage,
  async run(args, io) {
    const { values } = parseCliArgs({
      args: [...args],
      options: {
        api: { type: "string" },
        processor: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
    const all = await answerOf(await apiClient(values.api, io).api.v1.tasks.$get());
    const tasks = all.filter(({ processor }) => values.processor === undefined || processor === values.processor);
    io.stdout(values.json ? `${JSON.stringify(tasks, undefined, 2)}\n` : tasksText(tasks));
    return exitCodes.success;
  },
};

export function tasksText(tasks: readonly TaskView[]): string {
  if (tasks.length === 0) return "No tasks.\n";
  const rows = tasks.map(({ processor, partition, offset, attempt, state, forMs, agent, taskId }) => {
    return [processor, partition, offset, attempt, state, formatAge(forMs), agent ?? "-", taskId];
  });
  return formatTable(["PROCESSOR", "PARTITION", "OFFSET", "ATTEMPT", "STATE", "FOR", "AGENT", "TASK"], rows);
}
