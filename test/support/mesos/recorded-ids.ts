/*
 * Ids differ from run to run: where a recording first shows one, its place tells which of ours stands for it.
 */

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** A recorder's own folder for an agent, wherever it stands in a text. */
const WORK_DIR = /\/tmp\/mesos-rec\/[^/'" ]+\/agent\d+/g;

export class RecordedIds {
  readonly #own = new Map<string, string>();
  readonly #workDir: string;

  constructor(workDir: string) {
    this.#workDir = workDir;
  }

  /** Two ids stand for one another. The first place counts. */
  set(recorded: string, own: string): void {
    if (!this.#own.has(recorded)) this.#own.set(recorded, own);
  }

  /** Goes through two values of the same shape, and notes every id of the one with that of the other. */
  learn(recorded: unknown, own: unknown): void {
    if (typeof recorded === "string" && typeof own === "string") {
      this.#learnText(recorded, own);
      return;
    }
    if (typeof recorded !== "object" || recorded === null || typeof own !== "object" || own === null) return;
    for (const [name, value] of Object.entries(recorded)) {
      const other = (own as Record<string, unknown>)[name];
      if (name === "uuid" && typeof value === "string" && typeof other === "string") this.set(value, other);
      else this.learn(value, other);
    }
  }

  /** A recorded text with our ids in it. */
  translate(text: string): string {
    let result = text.replaceAll(WORK_DIR, this.#workDir);
    for (const [recorded, own] of [...this.#own].sort(([a], [b]) => b.length - a.length)) {
      result = result.replaceAll(recorded, own);
    }
    return result;
  }

  translateJson(value: unknown): unknown {
    return JSON.parse(this.translate(JSON.stringify(value)));
  }

  /** The same in protobuf, whose lengths change with the ids: strings are found without a schema, and written anew. */
  translateProtobuf(bytes: Uint8Array): Uint8Array {
    const base64 = new Map([...this.#own].filter(([recorded]) => /^[A-Za-z0-9+/]{22}==$/.test(recorded)));
    const uuid = (field: Uint8Array): Uint8Array | undefined => {
      const own = base64.get(Buffer.from(field).toString("base64"));
      return own === undefined ? undefined : new Uint8Array(Buffer.from(own, "base64"));
    };
    const text = (field: Uint8Array): Uint8Array =>
      new Uint8Array(Buffer.from(this.translate(Buffer.from(field).toString("latin1")), "latin1"));
    return rewrite(bytes, (field) => {
      return uuid(field) ?? (isText(field) ? text(field) : undefined);
    });
  }

  #learnText(recorded: string, own: string): void {
    const [theirs, ours] = [recorded.match(UUID) ?? [], own.match(UUID) ?? []];
    if (theirs.length !== ours.length) return;
    // `M-0000`, `M-S0` and `M-O7` are numbered by their master: whole ids, where the text is one.
    if (theirs.length === 1 && recorded.startsWith(theirs[0] ?? "") && own.startsWith(ours[0] ?? "")) {
      this.set(recorded, own);
    }
    for (const [i, id] of theirs.entries()) this.set(id, ours[i] ?? "");
  }
}

/** Copies a message; a length-delimited field is replaced as a whole, or else looked into. */
function rewrite(bytes: Uint8Array, replace: (field: Uint8Array) => Uint8Array | undefined): Uint8Array {
  const parts: Uint8Array[] = [];
  const reader = { at: 0 };
  while (reader.at < bytes.byteLength) {
    const start = reader.at;
    const wireType = Number(varint(bytes, reader) & 7n);
    if (wireType === 0) varint(bytes, reader);
    else if (wireType === 1) reader.at += 8;
    else if (wireType === 5) reader.at += 4;
    else if (wireType !== 2) return bytes;
    if (wireType !== 2) {
      parts.push(bytes.subarray(start, reader.at));
      continue;
    }
    const head = bytes.subarray(start, reader.at);
    const length = Number(varint(bytes, reader));
    if (reader.at + length > bytes.byteLength) return bytes;
    const field = bytes.subarray(reader.at, reader.at + length);
    reader.at += length;
    const replaced = replace(field) ?? rewrite(field, replace);
    parts.push(head, encodeVarint(replaced.byteLength), replaced);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** A message that holds anything has a length or a number that is no printable letter; an id has none. */
function isText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
}

function varint(bytes: Uint8Array, reader: { at: number }): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[reader.at++] ?? 0;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Uint8Array.from([...bytes, rest]);
}
