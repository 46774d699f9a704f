import type { Definition } from "./world.ts";

/** A processor whose program costs next to nothing, as small as it can be asked for. */
export function definition(
  name: string,
  input: string,
  output: string,
  command: string | readonly string[],
  fields: Readonly<Record<string, unknown>> = {},
): Definition {
  return { name, input, output, command, cpus: 0.1, mem: 16, executor: { cpus: 0.1, mem: 32 }, ...fields };
}
