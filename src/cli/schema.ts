import { processorFileJsonSchema } from "../config/json-schema.ts";
import { type CliCommand, exitCodes, parseCliArgs } from "./command.ts";

const usage = `Usage: brigade schema

Prints the JSON Schema of processor files. Editors complete and check against it where a file names it:

  brigade schema > brigade.schema.json
  {"$schema": "./brigade.schema.json", "name": …}

What concerns several fields, or several processors, is checked by brigade validate only.
`;

export const schemaCommand: CliCommand = {
  name: "schema",
  summary: "print the JSON Schema of processor files",
  usage,
  async run(args, io) {
    parseCliArgs({ args: [...args], options: {} });
    io.stdout(`${JSON.stringify(processorFileJsonSchema(), undefined, 2)}\n`);
    return exitCodes.success;
  },
};
