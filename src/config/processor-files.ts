import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { decodeUtf8 } from "../base/bytes.ts";
import { describeError, errorCode, InputError } from "../base/errors.ts";
import { formatSize } from "../base/size.ts";
import { checkExecutorImages } from "./executor-images.ts";
import { byPlace, hasErrors, type Problem } from "./problem.ts";
import type { ProcessorSpec } from "./processor.ts";
import { type ParsedFile, parseProcessorFile } from "./processor-schema.ts";
import { checkProcessorSet } from "./processor-set.ts";

/** One file of PROCESSOR_DIR. */
export interface ProcessorFile {
  readonly path: string;
  /** A broken file has an error among the problems, and none of its processors is used. */
  readonly broken: boolean;
  /** Names that it defines, as far as they could be read: what a broken file may be about. */
  readonly names: readonly string[];
}

export type ProcessorDir =
  | {
      readonly kind: "ok";
      /** Of all files without errors, in the order of the files. */
      readonly processors: readonly ProcessorSpec[];
      readonly problems: readonly Problem[];
      readonly files: readonly ProcessorFile[];
    }
  /** Missing, unmounted, forbidden: which is not the same as empty. */
  | { readonly kind: "unreadable"; readonly missing: boolean; readonly error: Error };

export interface DirectoryOptions {
  /** What `executor.image` may name; null, and the default: anything. */
  readonly executorImages?: readonly string[] | null;
}

/** Nobody writes more by hand; a log file or a dump that ends in `.json` should not fill the memory. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Reads PROCESSOR_DIR: every file directly in a folder whose name ends in `.json` (in any case), or one file whatever
 * its name. Never throws for what it finds there.
 */
export async function readProcessorDir(path: string, options: DirectoryOptions = {}): Promise<ProcessorDir> {
  let paths: readonly string[];
  try {
    paths = await processorFilePaths(path);
  } catch (cause) {
    const missing = errorCode(cause) === "ENOENT";
    const what = missing ? "it does not exist" : "it cannot be opened";
    const message = `Cannot read processors from ${path}: ${what}, must be a readable folder or file`;
    return { kind: "unreadable", missing, error: new InputError(message, { cause }) };
  }
  const parsed = (await Promise.all(paths.map(parseFile))).filter((file) => file !== undefined);
  const sketches = parsed.flatMap((file) => file.sketches);
  const problems = [
    ...parsed.flatMap((file) => file.problems),
    ...checkProcessorSet(sketches),
    ...checkExecutorImages(sketches, options.executorImages ?? null),
  ].sort(byPlace);
  const byFile = Map.groupBy(problems, ({ file }) => file);
  const files = parsed.map(({ path, sketches }) => ({
    path,
    broken: hasErrors(byFile.get(path) ?? []),
    names: sketches.flatMap(({ name }) => name ?? []),
  }));
  const sound = new Set(files.filter(({ broken }) => !broken).map(({ path }) => path));
  const processors = parsed.filter(({ path }) => sound.has(path)).flatMap((file) => file.processors);
  return { kind: "ok", processors, problems, files };
}

async function processorFilePaths(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.toLowerCase().endsWith(".json"));
  return names.sort().map((name) => join(path, name));
}

/** Undefined where the file is gone since the folder was listed, or is a folder itself. */
async function parseFile(path: string): Promise<(ParsedFile & { readonly path: string }) | undefined> {
  const broken = (message: string): ParsedFile & { readonly path: string } => ({
    path,
    processors: [],
    sketches: [],
    problems: [{ severity: "error", file: path, path: "$", message }],
  });
  try {
    const info = await stat(path);
    if (info.isDirectory()) return undefined;
    if (info.size > MAX_FILE_BYTES) {
      return broken(`the file has ${formatSize(info.size)}, must have ${formatSize(MAX_FILE_BYTES)} at most`);
    }
    const text = decodeUtf8(await readFile(path));
    return text === undefined ? broken("the file is not UTF-8, must be") : { path, ...parseProcessorFile(text, path) };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    return broken(`the file cannot be read: ${describeError(error)}`);
  }
}
