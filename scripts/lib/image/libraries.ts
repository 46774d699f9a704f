import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { type Elf, type Machine, readElf } from "./elf.ts";

/** A file of the image: where it stands there, and where it is taken from. */
export interface CopiedFile {
  readonly path: string;
  readonly source: string;
}

/** glibc opens these by name when it looks up a host; since 2.34 all but the last are part of libc itself. */
const nameService = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/**
 * The loader and the libraries that a program needs, from the file system below `root`. Each keeps its path, where the
 * loader of that system finds it without a cache.
 *
 * @throws where one of them is not there
 */
export function librariesOf(program: string, root: string): readonly CopiedFile[] {
  const { machine, interpreter, needed } = readElf(program);
  if (interpreter === undefined) return [];
  const files = new Map<string, CopiedFile>();
  const add = (path: string): Elf => {
    const source = realpathSync(join(root, path));
    files.set(path, { path, source });
    return readElf(source);
  };
  if (!existsSync(join(root, interpreter))) throw missing(program, interpreter, root);
  add(interpreter);
  const open = [...needed];
  const seen = new Set<string>(open);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    // The loader is itself a library, and is not looked for.
    if (interpreter.endsWith(`/${name}`)) continue;
    const path = find(name, machine, root);
    if (path === undefined) throw missing(program, name, root);
    for (const next of add(path).needed) {
      if (!seen.has(next)) open.push(next);
      seen.add(next);
    }
  }
  for (const name of nameService) {
    const path = find(name, machine, root);
    if (path !== undefined) add(path);
  }
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Where the loaders of Debian, Fedora and their kin look by themselves. A library of another machine is passed over. */
function find(name: string, machine: Machine, root: string): string | undefined {
  const { triplet } = machine;
  return [`/lib/${triplet}`, `/usr/lib/${triplet}`, "/lib64", "/usr/lib64", "/lib", "/usr/lib"]
    .map((folder) => `${folder}/${name}`)
    .find((path) => existsSync(join(root, path)) && readElf(join(root, path)).machine === machine);
}

function missing(program: string, name: string, root: string): Error {
  return new Error(`Cannot make an image of ${program}: it needs ${name}, which is not below ${root}`);
}
