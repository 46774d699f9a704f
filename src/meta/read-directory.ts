import { describeError } from "../base/errors.ts";
import { type DirectoryOptions, readProcessorDir } from "../config/processor-files.ts";
import type { DirectoryReading } from "./scheduler.ts";

/** Reads PROCESSOR_DIR for the meta-scheduler. Never throws. */
export async function readDirectory(path: string, options?: DirectoryOptions): Promise<DirectoryReading> {
  const dir = await readProcessorDir(path, options);
  if (dir.kind === "unreadable") {
    const problem = { severity: "error", file: path, path: "$", message: describeError(dir.error) } as const;
    return { scan: { kind: "unreadable" }, problems: [problem], missing: dir.missing };
  }
  const broken = dir.files.some((file) => file.broken);
  return { scan: { kind: "ok", processors: dir.processors, broken }, problems: dir.problems, missing: false };
}
