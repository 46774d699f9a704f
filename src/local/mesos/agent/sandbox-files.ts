import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  type Stats,
} from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../../base/errors.ts";
import type { AgentState } from "./agent-state.ts";
import type { Executor } from "./agent-types.ts";
import { directoryOf } from "./agent-view.ts";

/** What one read brings at most: 16 pages. */
const LARGEST_READ_BYTES = 16 * 4096;

/** Where a path leads, as far as anybody may look. */
export type FoundFile =
  | { readonly type: "found"; readonly path: string; readonly stats: Stats }
  | { readonly type: "missing" }
  /** It leads out of the sandboxes. */
  | { readonly type: "inaccessible" };

export interface ListedFile {
  readonly path: string;
  readonly nlink: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly mode: number;
  readonly uid: string;
  readonly gid: string;
}

/** The folders that are shown, by the paths under which they are: the sandbox of each executor, and its newest run. */
export function attachedFolders(state: Readonly<AgentState>): ReadonlyMap<string, string> {
  const folders = new Map<string, string>();
  const all = [...state.completedFrameworks.values(), ...state.frameworks.values()];
  const executors = all.flatMap((each) => [...each.completedExecutors, ...each.executors.values()]);
  for (const executor of executors) {
    const folder = directoryOf(state, executor);
    folders.set(folder, folder);
    folders.set(join(folder, "..", "latest"), folder);
    folders.set(`${virtualPath(executor)}/runs/latest`, folder);
  }
  return folders;
}

export function findFile(state: Readonly<AgentState>, asked: string): FoundFile {
  const path = asked.length > 1 && asked.endsWith("/") ? asked.slice(0, -1) : asked;
  const folders = attachedFolders(state);
  for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1)) {
    const folder = folders.get(path.slice(0, at));
    if (folder !== undefined) return inFolder(folder, path.slice(at + 1));
  }
  return { type: "missing" };
}

/** The last one is that of a path with a byte that none can have. */
const noPath: readonly string[] = ["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"];

function inFolder(folder: string, rest: string): FoundFile {
  try {
    const [root, path] = [realpathSync(folder), realpathSync(join(folder, rest))];
    if (path !== root && !path.startsWith(`${root}/`)) return { type: "inaccessible" };
    return { type: "found", path, stats: lstatSync(path) };
  } catch (error) {
    const code = errorCode(error) ?? "";
    if (code === "EACCES") return { type: "inaccessible" };
    if (noPath.includes(code)) return { type: "missing" };
    throw error;
  }
}

/** What stands in a folder, by name; nothing of a file. @param shownAs the path that was asked for */
export function listFiles({ path, stats }: Extract<FoundFile, { type: "found" }>, shownAs: string): ListedFile[] {
  if (!stats.isDirectory()) return [];
  return readdirSync(path)
    .sort()
    .flatMap((name) => {
      const each = statsOf(join(path, name));
      if (each === undefined) return [];
      const { nlink, size, mtimeMs, mode, uid, gid } = each;
      const mtime = Math.floor(mtimeMs / 1000);
      return [{ path: join(shownAs, name), nlink, size, mtime, mode, uid: userName(uid), gid: groupName(gid) }];
    });
}

/** A part of a file. A length that is left out, or more than may be read at once, reads what may be. */
export function readFile(
  path: string,
  offset: number,
  length = LARGEST_READ_BYTES,
): { size: number; data: Uint8Array } {
  // A pipe must not hold the agent up.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = fstatSync(file);
    const wanted = Math.max(0, Math.min(length, LARGEST_READ_BYTES, size - offset));
    const data = new Uint8Array(wanted);
    const count = wanted === 0 ? 0 : readSync(file, data, 0, wanted, offset);
    return { size, data: data.subarray(0, count) };
  } finally {
    closeSync(file);
  }
}

/** `-rw-r--r--` */
export function printMode(mode: number): string {
  const kinds: Readonly<Record<number, string>> = { 0o04: "d", 0o12: "l", 0o14: "s", 0o01: "p", 0o06: "b", 0o02: "c" };
  const bits = "rwxrwxrwx".replace(/./g, (letter, i: number) => ((mode >> (8 - i)) & 1 ? letter : "-"));
  return `${kinds[(mode >> 12) & 0o17] ?? "-"}${bits}`;
}

function virtualPath({ frameworkId, info }: Executor): string {
  return `/frameworks/${frameworkId}/executors/${info.executorId}`;
}

/** undefined: it has gone since its name was read. */
function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function userName(id: number): string {
  return nameOf("/etc/passwd", id);
}

function groupName(id: number): string {
  return nameOf("/etc/group", id);
}

/** The number where the file has no name for it. */
function nameOf(file: string, id: number): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return String(id);
    throw error;
  }
  const line = text.split("\n").find((each) => each.split(":")[2] === String(id));
  return line?.split(":")[0] ?? String(id);
}
