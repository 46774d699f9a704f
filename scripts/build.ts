/** Compiles the one binary: src/main.ts, and every file of workers/ as an entry point that Workers start from. */

import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Glob } from "bun";

const usage = `Usage: scripts/build [--outfile FILE] [--target TARGET]

Compiles Brigade with Bun and all packages into one file that needs nothing else.

  --outfile FILE    where to write it (default dist/brigade)
  --target TARGET   for another machine, as Bun names it: bun-linux-arm64, bun-linux-x64-musl, …
`;

const { values } = parseArgs({
  options: { outfile: { type: "string" }, target: { type: "string" }, help: { type: "boolean", short: "h" } },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

const root = resolve(import.meta.dir, "..");
const outfile = resolve(values.outfile ?? `${root}/dist/brigade`);
const workers = (await Array.fromAsync(new Glob("workers/*.ts").scan({ cwd: root }))).sort();

// ESM with splitting: each command is a chunk of its own, so that `brigade executor` loads only what it needs. Bytecode
// saves the parsing at each start. Chunks and Workers are found relative to /$bunfs/root (src/meta/worker-url.ts).
const options = "--compile --format=esm --splitting --bytecode --minify --keep-names --sourcemap=inline".split(" ");
if (values.target !== undefined) options.push(`--target=${values.target}`);
const entries = ["src/main.ts", ...workers].map((file) => `${root}/${file}`);
// Beside the binary, which holds its source maps, Bun leaves one file of them for each chunk: they go with the folder.
await mkdir(dirname(outfile), { recursive: true });
const folder = await mkdtemp(join(dirname(outfile), ".build-"));
const built = join(folder, basename(outfile));
const command = [process.execPath, "build", ...options, "--root", root, "--outfile", built, ...entries];
const build = Bun.spawn(command, { cwd: root, stdout: "pipe", stderr: "inherit", env: process.env });
const output = await new Response(build.stdout).text();
const exitCode = await build.exited;
// As a whole: one that runs goes on with the old file.
if (exitCode === 0) await rename(built, outfile);
await rm(folder, { recursive: true });
if (exitCode !== 0) {
  process.stderr.write(output);
  process.stderr.write(`scripts/build: cannot compile ${outfile}\n`);
  process.exit(1);
}
const size = Bun.file(outfile).size;
process.stdout.write(`${outfile} (${(size / 1e6).toFixed(0)} MB)\n`);
