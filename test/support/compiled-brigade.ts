import { resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");

let compiled: Promise<string> | undefined;

/** Path of the compiled binary: that of BRIGADE_BINARY, or dist/brigade-test, compiled once for this test process. */
export function compiledBrigade(): Promise<string> {
  compiled ??= compile();
  return compiled;
}

async function compile(): Promise<string> {
  const given = process.env["BRIGADE_BINARY"];
  if (given !== undefined) return resolve(given);
  const outfile = `${root}/dist/brigade-test`;
  const command = [process.execPath, `${root}/scripts/build.ts`, "--outfile", outfile];
  const build = Bun.spawn(command, { stdout: "ignore", stderr: "inherit" });
  if ((await build.exited) !== 0) throw new Error("scripts/build.ts failed");
  return outfile;
}
