import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loadMachines, type Machines, productionSource } from "../machines.ts";
import type { Mutant } from "./mutants.ts";

const root = resolve(productionSource, "..");
/** Folders of src/ that the simulated machines, and unit tests of them, come from. */
const folders = ["base", "config", "engine", "framework", "host", "mesos", "meta", "placement", "programs", "state"];
const tools = ["node_modules", "package.json", "tsconfig.json", "bunfig.toml"];

type Bug = Pick<Mutant, "file" | "find" | "replace">;

/**
 * Plants a bug in a copy of the production code.
 *
 * @throws when the line that it changes is not there any more: then the mutant has to follow the code
 */
export function plant(bug: Bug): Promise<Machines> {
  return inPlantedCopy(bug, (folder) => loadMachines(join(folder, "src")));
}

/**
 * Runs a file of unit tests on a copy of the production code in which a bug is planted.
 *
 * @param file under test/unit
 * @returns names of the tests that fail
 * @throws as {@link plant}
 */
export function failuresOf(bug: Bug, file: string): Promise<readonly string[]> {
  return inPlantedCopy(bug, async (folder) => {
    for (const name of ["support", "unit"])
      await cp(join(root, "test", name), join(folder, "test", name), { recursive: true });
    const command = [process.execPath, "test", `test/unit/${file}`];
    const run = Bun.spawn(command, { cwd: folder, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    const [, text] = await Promise.all([run.exited, new Response(run.stderr).text()]);
    return [...text.matchAll(/^\(fail\) (.*?)(?: \[[^\]]*\])?$/gm)].map(([, name = ""]) => name);
  });
}

async function inPlantedCopy<T>({ file, find, replace }: Bug, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "brigade-mutant-"));
  try {
    const source = join(folder, "src");
    for (const name of folders) await cp(join(productionSource, name), join(source, name), { recursive: true });
    for (const name of tools) await symlink(join(root, name), join(folder, name));
    const path = join(source, file);
    const text = await readFile(path, "utf8");
    const found = text.split(find).length - 1;
    if (found !== 1) throw new Error(`src/${file} has the mutant's line ${found} times, must be once: ${find}`);
    await writeFile(
      path,
      text.replace(find, () => replace),
    );
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
