import { existsSync } from "node:fs";
import { resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");

/**
 * Path of the compiled binary: that of BRIGADE_BINARY, else dist/brigade.
 *
 * @throws where it is not there: `scripts/test` compiles it before the tests
 */
export function compiledBrigade(): string {
  const path = resolve(process.env["BRIGADE_BINARY"] ?? `${root}/dist/brigade`);
  if (!existsSync(path)) throw new Error(`Cannot test ${path}: it is missing, must be compiled by scripts/build`);
  return path;
}
