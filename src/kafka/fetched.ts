import { noBytes } from "../base/bytes.ts";
import { InvariantError } from "../base/errors.ts";
import type { Header, InputRecord } from "../engine/ports.ts";
import type { FetchedMessage, FetchedPartition } from "./wire.ts";

/** Key of a control record: version and type as u16; type 0 aborts the transaction, 1 commits it. */
const CONTROL_TYPE_AT = 2;
const CONTROL_ABORT = 0;

/** kafkajs hands 64-bit numbers over as decimal text. */
export function parseOffset(text: string): number {
  const offset = Number(text);
  if (!Number.isSafeInteger(offset)) throw new InvariantError(`Cannot use offset ${text}: it is no safe integer`);
  return offset;
}

/**
 * What a reader of committed records sees of a fetched partition, and where it goes on.
 *
 * Left out are records before `fetchOffset` (a batch is always sent whole), control records, and records of aborted
 * transactions. `nextOffset` lies behind all of them, and behind the offsets that compaction took from the last batch.
 *
 * @param fetchOffset the position that was asked for
 */
export function visibleMessages(
  fetched: FetchedPartition,
  fetchOffset: number,
): { readonly messages: readonly FetchedMessage[]; readonly nextOffset: number } {
  const aborted = (fetched.abortedTransactions ?? [])
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: parseOffset(firstOffset) }))
    .sort((a, b) => a.firstOffset - b.firstOffset);
  const aborting = new Set<string>();
  let nextAborted = 0;
  let nextOffset = fetchOffset;
  const messages: FetchedMessage[] = [];
  for (const message of fetched.messages) {
    const offset = parseOffset(message.offset);
    const batch = message.batchContext;
    const end = batch === undefined ? offset : parseOffset(batch.firstOffset) + batch.lastOffsetDelta;
    nextOffset = Math.max(nextOffset, end + 1);
    for (let next = aborted[nextAborted]; next !== undefined && next.firstOffset <= offset; ) {
      aborting.add(next.producerId);
      next = aborted[++nextAborted];
    }
    if (message.isControlRecord === true) {
      if (batch !== undefined && isAbort(message)) aborting.delete(batch.producerId);
      continue;
    }
    if (offset < fetchOffset) continue;
    if (batch?.inTransaction === true && aborting.has(batch.producerId)) continue;
    messages.push(message);
  }
  return { messages, nextOffset };
}

function isAbort({ key }: FetchedMessage): boolean {
  return key !== null && key.byteLength >= 4 && key.readUInt16BE(CONTROL_TYPE_AT) === CONTROL_ABORT;
}

/**
 * Copies: what kafkajs hands over are views into the whole answer, which a record that waits for hours would keep alive.
 */
export function toInputRecord(topic: string, partition: number, message: FetchedMessage): InputRecord {
  return {
    topic,
    partition,
    offset: parseOffset(message.offset),
    timestampMs: parseOffset(message.timestamp),
    key: copy(message.key),
    value: copy(message.value),
    headers: toHeaders(message.headers),
  };
}

/**
 * kafkajs reads headers into an object, so some of their order is lost: a repeated name comes with all its values where
 * it first stood, and names that look like array indices ("7") come first. A null value becomes an empty one.
 */
export function toHeaders(headers: FetchedMessage["headers"]): readonly Header[] {
  const list: Header[] = [];
  for (const [name, value] of Object.entries(headers ?? {})) {
    const values = value === null || Buffer.isBuffer(value) ? [value] : value;
    for (const each of values) list.push([name, copy(each) ?? noBytes]);
  }
  return list;
}

/** The way back, with the same losses. */
export function fromHeaders(headers: readonly Header[]): Record<string, Buffer | Buffer[]> {
  const object: Record<string, Buffer | Buffer[]> = Object.create(null) as Record<string, Buffer | Buffer[]>;
  for (const [name, value] of headers) {
    const bytes = asBuffer(value ?? noBytes);
    const present = object[name];
    if (present === undefined) object[name] = bytes;
    else if (Array.isArray(present)) present.push(bytes);
    else object[name] = [present, bytes];
  }
  return object;
}

/** The same bytes, in the only class of them that kafkajs writes as they are. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function copy(bytes: Buffer | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes);
}

/** What a message weighs in memory, roughly. */
export function messageBytes({ key, value }: FetchedMessage): number {
  return (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + 100;
}
