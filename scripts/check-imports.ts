/**
 * Checks which way imports point: every folder of src/ may import only from levels below its own, and from itself.
 * Prints each import that goes up or sideways and exits 1 if there is one.
 */

import { dirname, join, relative, resolve } from "node:path";
import { Glob } from "bun";

/** Lowest first. Folders of one level do not know each other. */
const levels: readonly (readonly string[])[] = [
  ["base"],
  ["zookeeper"],
  ["mesos", "config"],
  ["engine", "placement"],
  ["framework", "programs", "kafka", "state"],
  ["api", "web", "meta", "host", "local"],
  ["workers", "executor"],
  ["cli"],
  ["main.ts"],
];
/** Cores import no I/O: neither Node's nor Bun's modules. */
const pure = new Set(["engine", "placement"]);

const root = resolve(import.meta.dir, "..");
const levelOf = new Map(levels.flatMap((names, level) => names.map((name) => [name, level] as const)));

function unitOf(path: string): string {
  const parts = relative(root, path).split("/");
  return (parts[0] === "src" ? parts[1] : parts[0]) ?? "";
}

const problems: string[] = [];
for (const pattern of ["src/**/*.ts", "workers/**/*.ts", "executor/**/*.ts"]) {
  for await (const file of new Glob(pattern).scan({ cwd: root, absolute: true })) {
    const from = unitOf(file);
    const own = levelOf.get(from);
    if (own === undefined) {
      problems.push(`${relative(root, file)}: folder "${from}" has no level in scripts/check-imports.ts`);
      continue;
    }
    const text = await Bun.file(file).text();
    for (const match of text.matchAll(/^(import|export)\b(\s+type\b)?[^"';]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gm)) {
      const target = match[3] ?? match[4] ?? "";
      if (!target.startsWith(".")) {
        if (pure.has(from) && match[2] === undefined) {
          problems.push(`${relative(root, file)}: ${from} is a pure core and imports "${target}"`);
        }
        continue;
      }
      const path = resolve(join(dirname(file), target));
      const to = unitOf(path);
      if (to === from || !relative(root, path).match(/^(src|workers|executor)\//)) continue;
      const theirs = levelOf.get(to);
      if (theirs === undefined || theirs >= own) {
        problems.push(`${relative(root, file)}: ${from} imports ${to} ("${target}"), which is not below it`);
      }
    }
  }
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
