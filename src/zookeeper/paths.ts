import { invariant } from "../base/errors.ts";

/**
 * Paths that ZooKeeper takes: `/a/b`, without an empty, `.` or `..` part and without control characters.
 *
 * `/` alone is the root, which always exists.
 */
export function isNodePath(path: string): boolean {
  if (path === "/") return true;
  if (!path.startsWith("/")) return false;
  return path
    .slice(1)
    .split("/")
    .every((part) => isNodeName(part));
}

export function isNodeName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !name.includes("/") && !hasRefusedCharacter(name);
}

/** First and last UTF-16 unit of what ZooKeeper refuses: control characters, surrogates, private use, specials. */
const refused: readonly (readonly [first: number, last: number])[] = [
  [0x0000, 0x001f],
  [0x007f, 0x009f],
  [0xd800, 0xf8ff],
  [0xfff0, 0xffff],
];

function hasRefusedCharacter(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const unit = name.charCodeAt(at);
    if (refused.some(([first, last]) => unit >= first && unit <= last)) return true;
  }
  return false;
}

export function childPath(parent: string, name: string): string {
  invariant(isNodeName(name), `Cannot use "${name}" as the name of a node`);
  return parent === "/" ? `/${name}` : `${parent}/${name}`;
}

/** The nodes above one, from the top, without the root: `/a`, `/a/b` of `/a/b/c`. */
export function pathsAbove(path: string): readonly string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}
