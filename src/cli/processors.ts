import { UsageError } from "../base/errors.ts";
import { answerOf, apiClient, apiOption } from "./api-client.ts";
import { type CliCommand, type CliIo, exitCodes, parseCliArgs } from "./command.ts";

const usage = `Usage: brigade processors remove NAME... [--api URL]
       brigade processors remove --all [--api URL]

Confirms that processors whose definition is gone are to be removed: drained, and their frameworks torn down. That is
asked for where it could be a mistake: PROCESSOR_DIR cannot be read, holds a broken file, or lost all of its processors
at once. A processor that is still defined is not removed: delete its definition.

  NAME         a processor that brigade status shows as without definition
  --all        every such processor
${apiOption}
`;

export const processorsCommand: CliCommand = {
  name: "processors",
  summary: "confirm the removal of processors whose definition is gone",
  usage,
  async run(args, io) {
    const { values, positionals } = parseCliArgs({
      args: [...args],
      options: { api: { type: "string" }, all: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const [verb, ...names] = positionals;
    if (verb !== "remove") throw new UsageError(`processors takes the word remove, not ${verb ?? "nothing"}`);
    if (values.all === names.length > 0) throw new UsageError("processors remove takes either names or --all");
    const removed = values.all ? await removeAll(values.api, io) : await removeNamed(names, values.api, io);
    io.stdout(removed.length === 0 ? "nothing to remove\n" : removed.map((name) => `removing ${name}\n`).join(""));
    return exitCodes.success;
  },
};

async function removeAll(api: string | undefined, io: CliIo): Promise<readonly string[]> {
  return (await answerOf(await apiClient(api, io).api.v1.processors.remove.$post())).removed;
}

async function removeNamed(names: readonly string[], api: string | undefined, io: CliIo): Promise<readonly string[]> {
  const client = apiClient(api, io);
  const removed: string[] = [];
  for (const name of names) {
    const response = await client.api.v1.processors[":name"].remove.$post({ param: { name } });
    removed.push(...(await answerOf(response)).removed);
  }
  return removed;
}
