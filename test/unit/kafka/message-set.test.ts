import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { utf8 } from "../../../src/base/bytes.ts";
import { ProtocolError } from "../../../src/kafka/protocol/errors.ts";
import { scanBatches } from "../../../src/kafka/records/scan.ts";
import type { StoredRecord } from "../../../src/kafka/records/stored-batch.ts";
import { makeBatch } from "./batches.ts";
import { makeMessage } from "./old-messages.ts";

const GZIP = 1;
const APPEND_TIME = 8;

function read(stored: Uint8Array, from = 0): StoredRecord[] {
  const { batches, problem } = scanBatches(stored);
  if (problem !== undefined) throw problem;
  return batches.flatMap((batch) => {
    const reader = batch.open();
    const records: StoredRecord[] = [];
    for (let record = reader.read(from); record !== undefined; record = reader.read(from)) records.push(record);
    return records;
  });
}

const shown = (records: readonly StoredRecord[]): string[] =>
  records.map(
    ({ offset, timestampMs, value }) => `${offset} at ${timestampMs}: ${Buffer.from(value ?? []).toString()}`,
  );

describe("messages of the formats before Kafka 0.11", () => {
  test("have a key, a value, and no headers; those of format 0 no time either", () => {
    const stored = Buffer.concat([
      makeMessage({ magic: 0, offset: 3, key: utf8("k"), value: utf8("v") }),
      makeMessage({ magic: 1, offset: 4, timestampMs: 1_700_000_000_000, key: null, value: null }),
    ]);
    expect(read(stored)).toEqual([
      { offset: 3, timestampMs: -1, key: utf8("k"), value: utf8("v"), headers: [] },
      { offset: 4, timestampMs: 1_700_000_000_000, key: null, value: null, headers: [] },
    ]);
  });

  test("are read as kafkajs writes them", () => {
    const encode = require("kafkajs/src/protocol/messageSet") as (set: object) => { readonly buffer: Buffer };
    const entries = [
      { key: Buffer.from("a"), value: Buffer.from("1"), timestamp: 17 },
      { key: Buffer.from("b"), value: Buffer.from("2"), timestamp: 18 },
    ];
    const set = (messageVersion: 0 | 1): Buffer => encode({ messageVersion, entries }).buffer;
    expect(shown(read(set(0)))).toEqual(["0 at -1: 1", "1 at -1: 2"]);
    expect(shown(read(set(1)))).toEqual(["0 at 17: 1", "1 at 18: 2"]);
  });

  test("may stand before batches of the present format", () => {
    const stored = Buffer.concat([
      makeMessage({ magic: 1, offset: 0, value: utf8("old") }),
      makeBatch({ first: 1, records: [{ offset: 1, value: "new" }] }),
    ]);
    expect(shown(read(stored))).toEqual(["0 at 0: old", "1 at 0: new"]);
  });

  test("of format 1 are counted from 0 where they are compressed together, and the outer one has the last's offset", () => {
    const inner = [0, 2, 3].map((offset) =>
      makeMessage({ magic: 1, offset, timestampMs: 100 + offset, value: utf8(`v${offset}`) }),
    );
    const value = gzipSync(Buffer.concat(inner));
    const stored = makeMessage({ magic: 1, offset: 53, attributes: GZIP, timestampMs: 999, value });
    expect(shown(read(stored))).toEqual(["50 at 100: v0", "52 at 102: v2", "53 at 103: v3"]);
    expect(shown(read(stored, 51))).toEqual(["52 at 102: v2", "53 at 103: v3"]);
    const atAppend = makeMessage({ magic: 1, offset: 53, attributes: GZIP | APPEND_TIME, timestampMs: 999, value });
    expect(shown(read(atAppend))).toEqual(["50 at 999: v0", "52 at 999: v2", "53 at 999: v3"]);
  });

  test("of format 0 have their own offsets where they are compressed together", () => {
    const inner = [51, 53].map((offset) => makeMessage({ magic: 0, offset, value: utf8(`v${offset}`) }));
    const value = gzipSync(Buffer.concat(inner));
    expect(shown(read(makeMessage({ magic: 0, offset: 53, attributes: GZIP, value })))).toEqual([
      "51 at -1: v51",
      "53 at -1: v53",
    ]);
  });

  test("that are damaged are refused, whichever byte it is", () => {
    for (const magic of [0, 1] as const) {
      const message = makeMessage({ magic, offset: 3, key: utf8("key"), value: utf8("value") });
      for (let at = 12; at < message.byteLength; at++) {
        const damaged = Buffer.from(message);
        damaged.writeUInt8(damaged.readUInt8(at) ^ 0x40, at);
        expect(scanBatches(damaged).problem).toBeInstanceOf(ProtocolError);
      }
    }
  });

  test("that are cut off are left out", () => {
    const message = makeMessage({ magic: 1, offset: 3, value: utf8("value") });
    for (let length = 0; length < message.byteLength; length++) {
      expect(scanBatches(message.subarray(0, length))).toEqual({ batches: [], problem: undefined });
    }
  });

  test("that are compressed into something else are refused when they are unpacked", () => {
    const cases: [attributes: number, value: Uint8Array | null, message: string][] = [
      [GZIP, utf8("no gzip"), "Cannot unpack a gzip batch"],
      [GZIP, gzipSync(new Uint8Array(30)), "does not match its checksum"],
      [GZIP, gzipSync(""), "nothing is in it"],
      [GZIP, gzipSync("short"), "8 bytes are wanted, 5 are left"],
      [GZIP, null, "Cannot unpack a gzip batch"],
      [7, utf8("?"), "its compression is none of Kafka's"],
    ];
    for (const [attributes, value, message] of cases) {
      const stored = makeMessage({ magic: 1, offset: 3, attributes, value });
      expect(() => read(stored)).toThrow(ProtocolError);
      expect(() => read(stored)).toThrow(message);
    }
  });

  test("do not keep a large answer in memory", () => {
    const stored = Buffer.concat([Buffer.alloc(100_000), makeMessage({ magic: 1, offset: 0, value: utf8("small") })]);
    expect(read(stored.subarray(100_000))[0]?.value?.buffer.byteLength).toBe(5);
  });
});
