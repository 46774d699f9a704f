import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loadMachines, type Machines, productionSource } from "../machines.ts";
import type { Mutant } from "./mutants.ts";

const root = resolve(productionSource, "..");
/** Folders of src/ that the simulated machines come from. */
const folders = ["base", "config", "engine", "framework", "host", "mesos", "meta", "placement", "programs", "state"];

/**
 * Plants a bug in a copy of the production code.
 *
 * @throws when the line that it changes is not there any more: then the mutant has to follow the code
 */
export async function plant(mutant: Pick<Mutant, "file" | "find" | "replace">): Promise<Machines> {
  const folder = await mkdtemp(join(tmpdir(), "brigade-mutant-"));
  try {
    const source = join(folder, "src");
    for (const name of folders) await cp(join(productionSource, name), join(source, name), { recursive: true });
    for (const name of ["node_modules", "package.json"]) await symlink(join(root, name), join(folder, name));
    const file = join(source, mutant.file);
    const text = await readFile(file, "utf8");
    const found = text.split(mutant.find).length - 1;
    if (found !== 1)
      throw new Error(`src/${mutant.file} has the mutant's line ${found} times, must be once: ${mutant.find}`);
    await writeFile(
      file,
      text.replace(mutant.find, () => mutant.replace),
    );
    return await loadMachines(source);
  } finally {
    await rm(folder, { recursive: true });
  }
}
