/** What stands in an archive; all of it belongs to root. */
export type TarEntry =
  | { readonly type: "folder"; readonly path: string; readonly mode?: number }
  | { readonly type: "file"; readonly path: string; readonly mode?: number; readonly content: Uint8Array }
  | { readonly type: "link"; readonly path: string; readonly target: string };

const BLOCK = 512;
const LONGEST_NAME = 100;
const kinds = { file: "0", link: "2", folder: "5" } as const;
const modes = { file: 0o644, link: 0o777, folder: 0o755 } as const;

/**
 * A tar archive (ustar) as parts to be written one behind the other. The same entries and time give the same bytes.
 *
 * @param time of every entry, seconds since 1970
 */
export function* tar(entries: readonly TarEntry[], time: number): Generator<Uint8Array> {
  for (const entry of entries) {
    const content = entry.type === "file" ? entry.content : new Uint8Array();
    yield header(entry, content.byteLength, time);
    yield content;
    yield new Uint8Array(-content.byteLength & (BLOCK - 1));
  }
  // The end is two blocks of zeros.
  yield new Uint8Array(2 * BLOCK);
}

function header(entry: TarEntry, size: number, time: number): Uint8Array {
  const path = entry.path.replace(/^\//, "") + (entry.type === "folder" ? "/" : "");
  if (Buffer.byteLength(path) > LONGEST_NAME) throw new Error(`Cannot archive ${path}: its name is too long`);
  const block = Buffer.alloc(BLOCK);
  const octal = (at: number, length: number, value: number): number =>
    block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  block.write(path, 0);
  octal(100, 8, ("mode" in entry ? entry.mode : undefined) ?? modes[entry.type]);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, size);
  octal(136, 12, time);
  block.write(kinds[entry.type], 156);
  if (entry.type === "link") block.write(entry.target, 157);
  block.write("ustar\x0000", 257, "latin1");
  block.write("root", 265);
  block.write("root", 297);
  // The sum of all bytes, those of the sum itself taken for blanks.
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
