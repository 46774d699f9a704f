import { definition } from "./definitions.ts";
import type { Definition, World } from "./world.ts";

/** Writes each start to the ledger `starts`, waits until a file with the name of the record's value exists, answers. */
export function gated(world: World, fields: Readonly<Record<string, unknown>> = {}): Definition {
  const script = `echo "$BRIGADE_RECORD_ID $BRIGADE_ATTEMPT" >> starts
    read -r gate; while [ ! -e "gates/$gate" ]; do sleep 0.05; done; echo "passed $gate"`;
  return definition("gated", "in", "out", `cd '${world.folder}'; ${script}`, { concurrency: 20, ...fields });
}

/** Lets the programs end that wait for it. */
export function openGate(world: World, name: string): Promise<string> {
  return world.write(`gates/${name}`, "");
}

/** Values of so many records whose programs wait for that gate. */
export function records(gate: string, count: number): readonly string[] {
  return Array.from({ length: count }, () => gate);
}
