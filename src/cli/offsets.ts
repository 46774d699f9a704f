import { UsageError } from "../base/errors.ts";
import { answerOf, apiClient, apiOption } from "./api-client.ts";
import { type CliCommand, exitCodes, parseCliArgs } from "./command.ts";
import { offsetsText } from "./offsets-text.ts";

const usage = `Usage: brigade offsets PROCESSOR [--api URL] [--json]

Explains where a processor stands in each partition of its input: what is committed, where the log ends, what is settled
above the commit watermark, which records are in flight (the oldest ten, with their tasks), how far it has read, and what
holds it back. The first record in flight is the one that holds the watermark.

  STATE    blocked    behind another record, by ordering
           waiting    to be tried again
           ready      for a place: see concurrency
           guarded    until a task that may be alive is known to be dead, by overlap
           placed     waits for an offer, or was sent to Mesos
           running    its program runs
           ended      its outputs are fixed
           sending    its outputs are on their way to Kafka
  FAILED   attempts that failed
  FOR      since the record was read

${apiOption}
  --json       print the API's answer
`;

export const offsetsCommand: CliCommand = {
  name: "offsets",
  summary: "explain where a processor stands in each partition",
  usage,
  async run(args, io) {
    const { values, positionals } = parseCliArgs({
      args: [...args],
      options: { api: { type: "string" }, json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const [name, ...others] = positionals;
    if (name === undefined || others.length > 0) throw new UsageError("offsets takes one PROCESSOR");
    const client = apiClient(values.api, io);
    const view = await answerOf(await client.api.v1.processors[":name"].offsets.$get({ param: { name } }));
    io.stdout(values.json ? `${JSON.stringify(view, undefined, 2)}\n` : offsetsText(view));
    return exitCodes.success;
  },
};
