import { resolve } from "node:path";
import { UsageError } from "../base/errors.ts";
import { formatProblem } from "../config/problem.ts";
import { readProcessorDir } from "../config/processor-files.ts";
import { type CliCommand, exitCodes, parseCliArgs } from "./command.ts";

const usage = `Usage: brigade validate PATH [--json]

Checks processor files and reports every mistake at once, with file, line, JSON path, what is wrong and what would be
right. Warnings are no mistakes.

  PATH      a folder (every *.json directly in it), or one file
  --json    print one JSON object: files, processors, problems

Exit code 0 without mistakes, 1 otherwise.
`;

export const validateCommand: CliCommand = {
  name: "validate",
  summary: "check processor files and report every mistake at once",
  usage,
  async run(args, io) {
    const { values, positionals } = parseCliArgs({
      args: [...args],
      options: { json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const [path, ...others] = positionals;
    if (path === undefined || others.length > 0) throw new UsageError("validate takes one PATH");
    const directory = await readProcessorDir(resolve(io.cwd, path));
    if (directory.kind === "unreadable") throw directory.error;
    const { files, processors, problems } = directory;
    const errors = problems.filter(({ severity }) => severity === "error").length;
    if (values.json) {
      // Not the whole specifications: their environments are secret.
      const named = processors.map(({ name, version }) => ({ name, version }));
      io.stdout(`${JSON.stringify({ files, processors: named, problems }, undefined, 2)}\n`);
    } else {
      for (const problem of problems) io.stdout(`${formatProblem(problem)}\n`);
      const warnings = problems.length - errors;
      const found = `${count(processors.length, "usable processor")} in ${count(files.length, "file")}`;
      io.stdout(`${found}, ${count(errors, "error")}, ${count(warnings, "warning")}\n`);
    }
    return errors === 0 ? exitCodes.success : exitCodes.failure;
  },
};

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
