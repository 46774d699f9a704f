import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

let compiled: Promise<string> | undefined;

/** Path of the compiled binary: that of BRIGADE_BINARY, or one that is compiled once for this test process. */
export function compiledBrigade(): Promise<string> {
  compiled ??= compile();
  return compiled;
}

async function compile(): Promise<string> {
  const given = process.env["BRIGADE_BINARY"];
  if (given !== undefined) return resolve(given);
  const folder = mkdtempSync(join(tmpdir(), "brigade-binary-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, "brigade");
  const script = resolve(import.meta.dir, "../../scripts/build.ts");
  const build = Bun.spawn([process.execPath, script, "--outfile", outfile], { stdout: "pipe", stderr: "inherit" });
  if ((await build.exited) !== 0) throw new Error("scripts/build.ts failed");
  return outfile;
}
