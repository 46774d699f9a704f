import { formatProblem, hasErrors } from "../config/problem.ts";
import { settingKeys } from "../config/settings-keys.ts";
import type { LoadedSettings } from "../config/settings-schema.ts";
import { type CliCommand, exitCodes, parseCliArgs } from "./command.ts";
import { loadSettingsFile } from "./settings-file.ts";

const usage = `Usage: brigade config [--config FILE] [--json]

Prints the settings that the scheduler would use, and where each comes from: the environment wins over the file, which
wins over the default. Secrets are hidden.

  --config FILE    a Java properties file
  --json           print one JSON object: settings, problems

Exit code 0 if the scheduler could start with them, 1 otherwise.
`;

export const configCommand: CliCommand = {
  name: "config",
  summary: "print the effective settings with their origin",
  usage,
  async run(args, io) {
    const { values } = parseCliArgs({
      args: [...args],
      options: { config: { type: "string" }, json: { type: "boolean", default: false } },
    });
    const loaded = await loadSettingsFile(values.config, io);
    if (values.json) {
      const { origins, problems } = loaded;
      io.stdout(`${JSON.stringify({ settings: origins, problems }, undefined, 2)}\n`);
    } else {
      io.stdout(settingsTable(loaded));
      for (const problem of loaded.problems) io.stderr(`${formatProblem(problem)}\n`);
    }
    return hasErrors(loaded.problems) ? exitCodes.failure : exitCodes.success;
  },
};

/** `KEY = value   (origin)`, so that the lines could stand in a properties file but for the origin. */
function settingsTable({ origins }: LoadedSettings): string {
  const lines = settingKeys.map((key) => [`${key} = ${origins[key].value}`, origins[key].origin] as const);
  const width = Math.min(60, Math.max(...lines.map(([line]) => line.length)));
  return lines.map(([line, origin]) => `${line.padEnd(width)}  (${origin})\n`).join("");
}
