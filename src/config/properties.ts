/*
 * Java's properties format, as java.util.Properties reads it, since that is what the original's settings are written in:
 *
 *     # comment, or ! comment
 *     KEY = value            also KEY: value and KEY value; blanks around the separator do not count
 *     KEY = one \
 *           line             a backslash at the end goes on in the next line, whose leading blanks do not count
 *     \u00e9 \t \n \r \f     escapes in keys and values; a backslash before any other character vanishes
 *
 * One difference: blanks at the end of a value are dropped. Java keeps them, which no setting could want.
 */

export interface Property {
  readonly key: string;
  readonly value: string;
  /** Line on which it begins, from 1. */
  readonly line: number;
}

/** In the order of the file; a key may come more than once (the last one counts). Every text is valid. */
export function parseProperties(text: string): readonly Property[] {
  return logicalLines(text).map(({ content, line }) => {
    const { key, rest } = splitKey(content);
    return { key: unescape(key), value: unescape(rest.replace(/^[ \t\f]*[=:]?[ \t\f]*/, "")).trimEnd(), line };
  });
}

interface LogicalLine {
  readonly content: string;
  readonly line: number;
}

/** Lines joined where they go on, without comments and blank ones. */
function logicalLines(text: string): readonly LogicalLine[] {
  const lines: LogicalLine[] = [];
  let open: { content: string; line: number } | undefined;
  for (const [index, natural] of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .entries()) {
    const content = natural.replace(/^[ \t\f]+/, "");
    // A comment cannot begin in the middle of a value.
    if (open === undefined && (content === "" || /^[#!]/.test(content))) continue;
    const line: { content: string; line: number } = open ?? { content: "", line: index + 1 };
    const goesOn = (/\\*$/.exec(content)?.[0].length ?? 0) % 2 === 1;
    line.content += goesOn ? content.slice(0, -1) : content;
    open = goesOn ? line : undefined;
    if (!goesOn) lines.push(line);
  }
  return open === undefined ? lines : [...lines, open];
}

/** The key ends at the first `=`, `:` or blank that no backslash precedes. */
function splitKey(content: string): { readonly key: string; readonly rest: string } {
  const key = /^(?:\\[^]|[^\\=: \t\f])*/.exec(content)?.[0] ?? "";
  return { key, rest: content.slice(key.length) };
}

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (_all, hex: string | undefined, char: string) =>
    hex === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
