import { crc32 } from "node:zlib";
import { ProtocolError } from "../protocol/errors.ts";
import { Reader } from "../protocol/reader.ts";
import { unpack } from "./compression.ts";
import { BATCH_OVERHEAD_BYTES, compressionCodecs } from "./record-batch.ts";
import { keptWhole, type RecordReader, type StoredBatch, type StoredRecord } from "./stored-batch.ts";

/*
 * The message formats before Kafka 0.11, which brokers older than 4.0 may still have on their disks, and send as they
 * are:
 *
 * Message => offset:int64 size:int32 crc:uint32 magic:int8 attributes:int8 timestampMs:int64(1) key:nullableBytes
 *            value:nullableBytes
 *
 * `size` counts what follows it, the checksum (CRC-32) covers what follows it. Messages are compressed together: the
 * value of one is then a sequence of others. It has the offset of its last, and those within count from 0 (in format 0
 * they have their own).
 *
 * @see https://kafka.apache.org/documentation/#messageset
 */

/** The checksum, and all before it. */
const CHECKED_FROM = BATCH_OVERHEAD_BYTES + 4;
const CODEC_MASK = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;

interface Message {
  readonly offset: number;
  readonly attributes: number;
  /** −1 in format 0. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/**
 * @param bytes one message, whole
 * @throws {ProtocolError}
 */
export function openMessage(bytes: Uint8Array, magic: 0 | 1): StoredBatch {
  const message = readMessage(new Reader(bytes), bytes, magic);
  return {
    baseOffset: message.offset,
    lastOffset: message.offset,
    producerId: -1,
    isTransactional: false,
    isControl: false,
    open: () => new MessageReader(unpackMessage(message, magic)),
  };
}

function unpackMessage(outer: Message, magic: 0 | 1): readonly Message[] {
  const codec = compressionCodecs[outer.attributes & CODEC_MASK];
  if (codec === "none") return [outer];
  if (codec === undefined) throw new ProtocolError("Cannot use a message: its compression is none of Kafka's");
  const bytes = unpack(outer.value ?? new Uint8Array(0), codec);
  const messages: Message[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const rest = bytes.subarray(at);
    const reader = new Reader(rest);
    messages.push(readMessage(reader, rest, magic));
    at += rest.byteLength - reader.remaining;
  }
  const last = messages.at(-1);
  if (last === undefined) throw new ProtocolError("Cannot use a message: it is compressed, and nothing is in it");
  if (magic === 0) return messages;
  const base = outer.offset - last.offset;
  const isAppendTime = (outer.attributes & LOG_APPEND_TIME_BIT) !== 0;
  return messages.map((inner) => ({
    ...inner,
    offset: base + inner.offset,
    timestampMs: isAppendTime ? outer.timestampMs : inner.timestampMs,
  }));
}

function readMessage(reader: Reader, bytes: Uint8Array, magic: 0 | 1): Message {
  const offset = reader.int64();
  const end = BATCH_OVERHEAD_BYTES + reader.int32();
  const checksum = reader.int32() >>> 0;
  if (end < CHECKED_FROM || end > bytes.byteLength || checksum !== crc32(bytes.subarray(CHECKED_FROM, end))) {
    throw new ProtocolError("Cannot use a message: it does not match its checksum");
  }
  if (reader.int8() !== magic) throw new ProtocolError(`Cannot use a message: its format must be ${magic}`);
  const attributes = reader.int8();
  const timestampMs = magic === 0 ? -1 : reader.int64();
  const message = { offset, attributes, timestampMs, key: reader.nullableBytes(), value: reader.nullableBytes() };
  if (bytes.byteLength - reader.remaining !== end)
    throw new ProtocolError("Cannot use a message: it has another length");
  return message;
}

class MessageReader implements RecordReader {
  readonly #messages: readonly Message[];
  #next = 0;

  constructor(messages: readonly Message[]) {
    this.#messages = messages;
  }

  get remaining(): number {
    return this.#messages.length - this.#next;
  }

  read(from: number): StoredRecord | undefined {
    for (;;) {
      const message = this.#messages[this.#next];
      if (message === undefined) return undefined;
      this.#next++;
      const { offset, timestampMs, key, value } = message;
      if (offset >= from) return { offset, timestampMs, key: own(key), value: own(value), headers: [] };
    }
  }
}

function own(field: Uint8Array | null): Uint8Array | null {
  return field === null ? null : keptWhole(field);
}
