import { closeSync, constants, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../base/errors.ts";

/** open(2): a file that never has a name. Node does not export the flag; this bit is the same on all our platforms. */
const O_TMPFILE = 0o20_000_000 | constants.O_DIRECTORY;
/** What open(2) says on file systems that do not know the flag. */
const unsupported = new Set(["EOPNOTSUPP", "ENOTSUP", "EISDIR", "EINVAL"]);

/** In memory, where the host has it: on a disk, making the file can take longer than starting the program. */
const MEMORY_FOLDER = "/dev/shm";
/** What is larger would count as the executor's memory for as long as the program runs. */
const MEMORY_MAX_BYTES = 64 * 1024;

let count = 0;

/**
 * The bytes as an open file without a name: it vanishes with its last descriptor.
 *
 * A file rather than a pipe because it is the only thing that Bun can give a program as standard input which
 * - the program can open by name (`/dev/stdin`): Bun's "pipe" is a socket, and opening that fails with ENXIO;
 * - needs no writing while the program runs, so no back-pressure, and no EPIPE from a program that does not read.
 * Bun's own way (`stdin: bytes`) is a file, too, but keeps its descriptor until the garbage collector comes.
 *
 * @param folder a folder that we may write to, for what cannot be kept in memory
 * @returns a descriptor at position 0, which the caller closes
 * @throws the file system's error
 */
export function openInput(bytes: Uint8Array, folder: string): number {
  return (bytes.byteLength <= MEMORY_MAX_BYTES ? fileInMemory(bytes) : undefined) ?? fileIn(folder, bytes);
}

/** undefined where there is no such folder, no right to it, or no room in it: the other one will do. */
function fileInMemory(bytes: Uint8Array): number | undefined {
  try {
    return filled(openSync(MEMORY_FOLDER, O_TMPFILE | constants.O_RDWR, 0o600), bytes);
  } catch {
    return undefined;
  }
}

function fileIn(folder: string, bytes: Uint8Array): number {
  return filled(openNameless(folder), bytes);
}

/** Written at explicit positions, which leaves the descriptor's own at 0. */
function filled(fd: number, bytes: Uint8Array): number {
  try {
    for (let at = 0; at < bytes.byteLength; ) at += writeSync(fd, bytes, at, bytes.byteLength - at, at);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openNameless(folder: string): number {
  try {
    return openSync(folder, O_TMPFILE | constants.O_RDWR, 0o600);
  } catch (error) {
    if (!unsupported.has(errorCode(error) ?? "")) throw error;
  }
  const path = join(folder, `.stdin-${process.pid}-${count++}`);
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return fd;
}
