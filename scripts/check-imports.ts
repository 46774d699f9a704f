/**
 * Checks which way imports point: every folder of src/ may import only from levels below its own, and from itself; and
 * within a folder no files import one another in a circle, except for types. Prints each import that does not hold to
 * it and exits 1 if there is one.
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
/** File → those that it imports when it runs. */
const imported = new Map<string, string[]>();
for (const pattern of ["src/**/*.ts", "workers/**/*.ts", "executor/**/*.ts"]) {
  for await (const file of new Glob(pattern).scan({ cwd: root, absolute: true })) {
    const from = unitOf(file);
    const own = levelOf.get(from);
    if (own === undefined) {
      problems.push(`${relative(root, file)}: folder "${from}" has no level in scripts/check-imports.ts`);
      continue;
    }
    const text = await Bun.file(file).text();
    const wanted: string[] = [];
    imported.set(file, wanted);
    for (const match of text.matchAll(/^(import|export)\b(\s+type\b)?[^"';]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gm)) {
      const target = match[3] ?? match[4] ?? "";
      if (!target.startsWith(".")) {
        if (pure.has(from) && match[2] === undefined) {
          problems.push(`${relative(root, file)}: ${from} is a pure core and imports "${target}"`);
        }
        continue;
      }
      const path = resolve(join(dirname(file), target));
      if (match[2] === undefined) wanted.push(path);
      const to = unitOf(path);
      if (to === from || !relative(root, path).match(/^(src|workers|executor)\//)) continue;
      const theirs = levelOf.get(to);
      if (theirs === undefined || theirs >= own) {
        problems.push(`${relative(root, file)}: ${from} imports ${to} ("${target}"), which is not below it`);
      }
    }
  }
}
problems.push(...circles().map((circle) => `a circle of imports: ${circle.join(" → ")}`));
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);

/** The first one found from each file that is in one. */
function circles(): string[][] {
  const found: string[][] = [];
  const cleared = new Set<string>();
  const way: string[] = [];
  const follow = (file: string): void => {
    if (cleared.has(file)) return;
    const start = way.indexOf(file);
    if (start >= 0) {
      found.push([...way.slice(start), file].map((path) => relative(root, path)));
      return;
    }
    way.push(file);
    for (const next of imported.get(file) ?? []) follow(next);
    way.pop();
    cleared.add(file);
  };
  for (const file of imported.keys()) follow(file);
  return found;
}
