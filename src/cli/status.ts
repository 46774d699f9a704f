import { answerOf, apiClient, apiOption } from "./api-client.ts";
import { type CliCommand, exitCodes, parseCliArgs } from "./command.ts";
import { statusText } from "./status-text.ts";

const usage = `Usage: brigade status [--api URL] [--json]

Shows what each processor of a running scheduler does: records in and out, to the error topic (ERRORS), failed attempts
(FAILED), records read and not settled (OPEN), latency from read to settled, records settled per second.

${apiOption}
  --json       print the API's answer
`;

export const statusCommand: CliCommand = {
  name: "status",
  summary: "show what the processors of a running scheduler do",
  usage,
  async run(args, io) {
    const { values } = parseCliArgs({
      args: [...args],
      options: { api: { type: "string" }, json: { type: "boolean", default: false } },
    });
    const view = await answerOf(await apiClient(values.api, io).api.v1.status.$get());
    io.stdout(values.json ? `${JSON.stringify(view, undefined, 2)}\n` : statusText(view));
    return exitCodes.success;
  },
};
