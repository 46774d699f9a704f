import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { librariesOf } from "./libraries.ts";
import type { TarEntry } from "./tar.ts";

/** Where Debian, Fedora and Alpine keep the bundle. */
const CERTIFICATES = [
  "etc/ssl/certs/ca-certificates.crt",
  "etc/pki/tls/certs/ca-bundle.crt",
  "etc/ssl/cert.pem",
] as const;

export const programPath = "/usr/local/bin/brigade";

/**
 * Everything below the program itself: its libraries, and the few files that a Linux program takes for granted. Parents
 * come before what they hold.
 *
 * @param root the file system that libraries and certificates are taken from
 * @throws where something is not there
 */
export function baseEntries(program: string, root: string): readonly TarEntry[] {
  const entries: TarEntry[] = [
    text("/etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"),
    text("/etc/group", "root:x:0:\nnobody:x:65534:\n"),
    text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    { type: "file", path: "/etc/ssl/certs/ca-certificates.crt", content: certificates(root) },
    { type: "folder", path: "/root", mode: 0o700 },
    { type: "folder", path: "/run" },
    { type: "folder", path: "/tmp", mode: 0o1777 },
    { type: "folder", path: "/var/lib/brigade" },
    { type: "link", path: "/var/run", target: "/run" },
  ];
  for (const { path, source } of librariesOf(program, root)) {
    entries.push({ type: "file", path, mode: 0o755, content: readFileSync(source) });
  }
  return withParents(entries);
}

export function programEntries(program: string): readonly TarEntry[] {
  return withParents([{ type: "file", path: programPath, mode: 0o755, content: readFileSync(program) }]);
}

function text(path: string, content: string): TarEntry {
  return { type: "file", path, content: Buffer.from(content) };
}

/** They are the same for all machines, so that another one's root need not hold them. */
function certificates(root: string): Uint8Array {
  const found = [root, "/"].flatMap((base) => CERTIFICATES.map((path) => join(base, path))).find(existsSync);
  if (found !== undefined) return readFileSync(found);
  throw new Error(`Cannot make an image: there is no ${CERTIFICATES[0]} below ${root} (Debian: ca-certificates)`);
}

/** In the order of their paths, with the folders that hold them. */
function withParents(entries: readonly TarEntry[]): readonly TarEntry[] {
  const all = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries) {
    for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) {
      if (!all.has(folder)) all.set(folder, { type: "folder", path: folder });
    }
  }
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
