import type { SettledOffsets } from "./settled-offsets.ts";

/*
 * The metadata string of an offset commit (promise I2): what is settled above the commit watermark, and how often the
 * programs of open records have failed. A successor that reads it runs only what is really open.
 *
 *     ""                                  nothing is settled above the watermark
 *     1r<base64url>                       runs: varints, alternately the length of a gap and of a settled run
 *     1b<base64url>                       bitmap: bit i of byte j is offset watermark + 8j + i
 *     …~<base64url>                       attempts: varint pairs (offset − watermark, failed attempts), in order
 *
 * The first character is the version. Base64url has no "~", so the parts cannot run into each other. Runs win where
 * records finish nearly in order, the bitmap where many short holes remain; the smaller one is written.
 */

const VERSION = "1";
/** Kafka's default of `offset.metadata.max.bytes`. */
export const DEFAULT_METADATA_LIMIT = 4096;

export interface EncodedMetadata {
  readonly metadata: string;
  /** Settled offsets from here on did not fit; equals the end of what is settled where all did. */
  readonly coveredUntil: number;
}

export type DecodedMetadata =
  | {
      readonly type: "known";
      /** Runs [start, end) of settled offsets above the committed one. */
      readonly runs: readonly (readonly [start: number, end: number])[];
      /** Failed attempts of open records. */
      readonly attempts: ReadonlyMap<number, number>;
    }
  /** Not ours, or of a newer Brigade: what it says is lost, so what it knew as settled runs again. */
  | { readonly type: "foreign"; readonly version: string };

/**
 * Cost: bounded by the limit, not by how much is settled; about 20 µs where the map is full.
 *
 * @param limitBytes what the broker accepts; the string is ASCII, so bytes are characters
 */
export function encodeCommitMetadata(
  settled: SettledOffsets,
  attempts: Iterable<readonly [offset: number, failed: number]>,
  limitBytes: number = DEFAULT_METADATA_LIMIT,
): EncodedMetadata {
  const budget = Math.max(0, Math.floor(((limitBytes - 2) * 3) / 4));
  const map = settled.end === settled.watermark ? undefined : encodeMap(settled, budget);
  // A map that has no room at all is left out: a broker may take no metadata.
  let metadata = map === undefined || map.bytes.length === 0 ? "" : `${VERSION}${map.kind}${base64(map.bytes)}`;

  const pairs: number[] = [];
  for (const [offset, failed] of attempts) {
    pushVarint(pairs, offset - settled.watermark);
    pushVarint(pairs, failed);
  }
  if (pairs.length > 0) {
    const suffix = `~${base64(pairs)}`;
    const head = metadata === "" ? `${VERSION}r` : metadata;
    if (head.length + suffix.length <= limitBytes) metadata = head + suffix;
  }
  return { metadata, coveredUntil: map?.coveredUntil ?? settled.end };
}

/** Never throws: whatever cannot be read is `foreign`. */
export function decodeCommitMetadata(metadata: string, watermark: number): DecodedMetadata {
  if (metadata === "") return { type: "known", runs: [], attempts: new Map() };
  const match = /^1([rb])([\w-]*)(?:~([\w-]*))?$/.exec(metadata);
  if (match === null) return { type: "foreign", version: metadata.slice(0, 1) };
  const bytes = Buffer.from(match[2] ?? "", "base64url");
  const runs = match[1] === "r" ? readRuns(bytes, watermark) : readBitmap(bytes, watermark);
  const pairs = readVarints(Buffer.from(match[3] ?? "", "base64url"));
  if (runs === undefined || pairs === undefined) return { type: "foreign", version: VERSION };
  const attempts = new Map<number, number>();
  for (let i = 0; i + 1 < pairs.length; i += 2) attempts.set(watermark + (pairs[i] ?? 0), pairs[i + 1] ?? 0);
  return { type: "known", runs, attempts };
}

interface EncodedMap {
  readonly kind: "r" | "b";
  readonly bytes: ArrayLike<number>;
  readonly coveredUntil: number;
}

function encodeMap(settled: SettledOffsets, budgetBytes: number): EncodedMap {
  const { watermark, end } = settled;
  const bitmap = new Uint8Array(Math.min(budgetBytes, Math.ceil((end - watermark) / 8)));
  const bitmapEnd = Math.min(end, watermark + bitmap.byteLength * 8);
  const runs: number[] = [];
  let runsEnd = watermark;
  let runsFull = false;
  for (const [start, stop] of settled.runsAbove()) {
    for (let offset = start; offset < Math.min(stop, bitmapEnd); offset++) {
      const bit = offset - watermark;
      bitmap[bit >>> 3] = (bitmap[bit >>> 3] ?? 0) | (1 << (bit & 7));
    }
    if (!runsFull) {
      const before = runs.length;
      pushVarint(runs, start - runsEnd);
      pushVarint(runs, stop - start);
      runsFull = runs.length > budgetBytes;
      if (runsFull) runs.length = before;
      else runsEnd = stop;
    }
    if (runsFull && start >= bitmapEnd) break;
  }
  const runsWin = runsEnd === bitmapEnd ? runs.length <= bitmap.byteLength : runsEnd > bitmapEnd;
  return runsWin
    ? { kind: "r", bytes: runs, coveredUntil: runsEnd }
    : { kind: "b", bytes: bitmap, coveredUntil: bitmapEnd };
}

function readRuns(bytes: Uint8Array, watermark: number): (readonly [number, number])[] | undefined {
  const numbers = readVarints(bytes);
  if (numbers === undefined || numbers.length % 2 !== 0) return undefined;
  const runs: (readonly [number, number])[] = [];
  let at = watermark;
  for (let i = 0; i < numbers.length; i += 2) {
    const start = at + (numbers[i] ?? 0);
    at = start + (numbers[i + 1] ?? 0);
    if (at <= start || !Number.isSafeInteger(at)) return undefined;
    runs.push([start, at]);
  }
  return runs;
}

function readBitmap(bytes: Uint8Array, watermark: number): (readonly [number, number])[] {
  const runs: (readonly [number, number])[] = [];
  let start = -1;
  for (let bit = 0; bit <= bytes.byteLength * 8; bit++) {
    const done = bit < bytes.byteLength * 8 && ((bytes[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0;
    if (done && start < 0) start = bit;
    if (!done && start >= 0) {
      runs.push([watermark + start, watermark + bit]);
      start = -1;
    }
  }
  return runs;
}

function base64(bytes: ArrayLike<number>): string {
  return Buffer.from(Uint8Array.from(bytes)).toString("base64url");
}

/** LEB128, for numbers up to 2^53. */
function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

function readVarints(bytes: Uint8Array): number[] | undefined {
  const numbers: number[] = [];
  let value = 0;
  let factor = 1;
  for (const byte of bytes) {
    value += (byte % 128) * factor;
    if (byte < 128) {
      numbers.push(value);
      value = 0;
      factor = 1;
    } else {
      factor *= 128;
      if (factor > 2 ** 49) return undefined;
    }
  }
  return factor === 1 ? numbers : undefined;
}
