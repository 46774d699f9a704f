import { BrigadeError } from "../base/errors.ts";

/*
 * JSON (RFC 8259) with places: where each value stands, which names appear twice, and a syntax error that says what is
 * wrong and where. JSON.parse tells none of these.
 */

/** Both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface JsonSource {
  readonly value: unknown;
  /** Where the value of a path (as {@link childPath} builds it) begins; of an object's member, where its name does. */
  positionOf(path: string): Position | undefined;
  /** Members whose name their object already has. The last one counts, as in JSON.parse. */
  readonly repeated: readonly { readonly path: string; readonly position: Position }[];
}

export class JsonSyntaxError extends BrigadeError {
  override readonly name = "JsonSyntaxError";
  readonly code = "json-syntax";
  readonly fault = "input";
  readonly position: Position;
  constructor(message: string, position: Position) {
    super(message);
    this.position = position;
  }
}

/** `$`, `$[1]`, `$[1].retry.attempts`, `$["odd name"]`. */
export function childPath(parent: string, key: string | number): string {
  if (typeof key === "number") return `${parent}[${key}]`;
  return /^[\w$-]+$/.test(key) ? `${parent}.${key}` : `${parent}[${JSON.stringify(key)}]`;
}

/** @throws {JsonSyntaxError} */
export function parseJsonSource(text: string): JsonSource {
  return new JsonParser(text).parse();
}

/** Deeper nesting is nothing that a person wrote, and would cost stack. */
const MAX_DEPTH = 64;

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

class JsonParser {
  readonly #text: string;
  readonly #offsets = new Map<string, number>();
  readonly #repeated: { path: string; position: Position }[] = [];
  /** Offset of each line; made when the first place is asked for. */
  #lineStarts: readonly number[] | undefined;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    if (text.startsWith("\uFEFF")) this.#at = 1;
  }

  parse(): JsonSource {
    this.#space();
    if (this.#at >= this.#text.length) this.#fail("the file is empty");
    const value = this.#value("$", 0);
    this.#space();
    if (this.#at < this.#text.length) {
      this.#fail(
        `${this.#found()} follows the end of the JSON value; several processors go into one array: [{…}, {…}]`,
      );
    }
    return {
      value,
      positionOf: (path) => {
        const offset = this.#offsets.get(path);
        return offset === undefined ? undefined : this.#position(offset);
      },
      repeated: this.#repeated,
    };
  }

  #value(path: string, depth: number): unknown {
    if (!this.#offsets.has(path)) this.#offsets.set(path, this.#at);
    if (depth > MAX_DEPTH) this.#fail(`values are nested more than ${MAX_DEPTH} deep`);
    const char = this.#text[this.#at];
    if (char === "{") return this.#object(path, depth);
    if (char === "[") return this.#array(path, depth);
    if (char === '"') return this.#string();
    return this.#scalar();
  }

  #object(path: string, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.#at++;
    this.#space();
    if (this.#take("}")) return object;
    for (;;) {
      if (this.#text[this.#at] !== '"') this.#fail(`${this.#found()} stands where a name in double quotes must be`);
      const nameAt = this.#at;
      const name = this.#string();
      const member = childPath(path, name);
      if (Object.hasOwn(object, name)) this.#repeated.push({ path: member, position: this.#position(nameAt) });
      this.#offsets.set(member, nameAt);
      this.#space();
      if (!this.#take(":")) this.#fail(`${this.#found()} stands where ":" must be, after the name ${quote(name)}`);
      this.#space();
      const value = this.#value(member, depth + 1);
      // A plain assignment to "__proto__" would set the prototype.
      Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
      this.#space();
      if (this.#take("}")) return object;
      if (!this.#take(",")) this.#fail(`${this.#found()} stands where "," or "}" must be, after ${quote(name)}`);
      this.#space();
      if (this.#text[this.#at] === "}") this.#fail('"," stands before "}", must be removed', this.#lastComma());
    }
  }

  #array(path: string, depth: number): unknown[] {
    const items: unknown[] = [];
    this.#at++;
    this.#space();
    if (this.#take("]")) return items;
    for (;;) {
      items.push(this.#value(childPath(path, items.length), depth + 1));
      this.#space();
      if (this.#take("]")) return items;
      if (!this.#take(",")) this.#fail(`${this.#found()} stands where "," or "]" must be`);
      this.#space();
      if (this.#text[this.#at] === "]") this.#fail('"," stands before "]", must be removed', this.#lastComma());
    }
  }

  #string(): string {
    const start = this.#at;
    this.#at++;
    let value = "";
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) this.#fail("the string that begins here has no end", start);
      if (char === '"') break;
      if (char < " ") this.#fail("a control character (or line end) stands inside a string, must be escaped");
      if (char === "\\") {
        value += this.#escape();
      } else {
        value += char;
        this.#at++;
      }
    }
    this.#at++;
    return value;
  }

  #escape(): string {
    const char = this.#text[this.#at + 1] ?? "";
    const plain = ESCAPES[char];
    if (plain !== undefined) {
      this.#at += 2;
      return plain;
    }
    const hex = this.#text.slice(this.#at + 2, this.#at + 6);
    if (char !== "u" || !/^[0-9a-f]{4}$/i.test(hex)) this.#fail(`"\\${char}" is no escape of JSON`);
    this.#at += 6;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  /** true, false, null or a number. */
  #scalar(): unknown {
    const word = /[^\s,:[\]{}"]*/y;
    word.lastIndex = this.#at;
    const text = word.exec(this.#text)?.[0] ?? "";
    if (text === "true" || text === "false" || text === "null" || /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(text)) {
      this.#at += text.length;
      return JSON.parse(text);
    }
    return this.#fail(`${this.#found()} stands where a value must be`);
  }

  #space(): void {
    while (" \t\n\r".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** What stands here, for a message, with the mistakes that people make by name. */
  #found(): string {
    const rest = this.#text.slice(this.#at, this.#at + 30);
    if (rest === "") return "the end of the file";
    if (rest.startsWith("'")) return "a single quote (JSON takes double quotes only)";
    if (rest.startsWith("//") || rest.startsWith("/*") || rest.startsWith("#")) return "a comment (JSON has none)";
    const word = /^("[^"\n]*"?|[\w.+-]+|.)/su.exec(rest)?.[0] ?? "";
    return word.startsWith('"') ? word : quote(word);
  }

  #lastComma(): number {
    return this.#text.lastIndexOf(",", this.#at);
  }

  #fail(message: string, at = this.#at): never {
    throw new JsonSyntaxError(message, this.#position(at));
  }

  #position(offset: number): Position {
    this.#lineStarts ??= lineStarts(this.#text);
    const line = upperBound(this.#lineStarts, offset);
    return { line, column: offset - (this.#lineStarts[line - 1] ?? 0) + 1 };
  }
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** How many of the sorted numbers are `limit` or less. */
function upperBound(sorted: readonly number[], limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function quote(name: string): string {
  return JSON.stringify(name);
}
