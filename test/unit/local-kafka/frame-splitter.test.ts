import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ProtocolError } from "../../../src/kafka/protocol/errors.ts";
import { FrameSplitter } from "../../../src/local/kafka/protocol/frame-splitter.ts";

function splitter(headProblem: (head: Uint8Array) => string | undefined = () => undefined): FrameSplitter {
  return new FrameSplitter({ maxBytes: () => 1000, headBytes: 4, headProblem });
}

function frame(text: string): Buffer {
  const bytes = Buffer.alloc(4 + text.length);
  bytes.writeInt32BE(text.length);
  bytes.write(text, 4, "latin1");
  return bytes;
}

function texts(frames: readonly Uint8Array[]): string[] {
  return frames.map((bytes) => Buffer.from(bytes).toString("latin1"));
}

const stream = Buffer.concat(["first", "", "ab", "the fourth one", "z"].map(frame));
const expected = ["first", "", "ab", "the fourth one", "z"];

describe("frame splitter", () => {
  test("whole input", () => {
    expect(texts(splitter().push(stream))).toEqual(expected);
  });

  test.each(Array.from({ length: stream.byteLength - 1 }, (_, i) => i + 1))("input halved at %d", (at) => {
    const frames = splitter();
    expect(texts([...frames.push(stream.subarray(0, at)), ...frames.push(stream.subarray(at))])).toEqual(expected);
    expect(frames.bufferedBytes).toBe(0);
  });

  test("single bytes", () => {
    const frames = splitter();
    expect(texts(Array.from(stream, (byte) => frames.push(Uint8Array.of(byte))).flat())).toEqual(expected);
  });

  test("any frames in any chunks", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 60 }).filter(isLatin1)), fc.array(fc.nat(90)), (all, sizes) => {
        const bytes = Buffer.concat(all.map(frame));
        const frames = splitter();
        const found: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes)
          found.push(...frames.push(bytes.subarray(at, (at = Math.min(at + size, bytes.length)))));
        found.push(...frames.push(bytes.subarray(at)));
        expect(texts(found)).toEqual(all);
      }),
    );
  });

  test.each([
    ["negative", -1],
    ["over the limit", 1001],
    ["huge", 0x7fffffff],
  ])("a length that is %s ends the stream at once", (_, length) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(length);
    expect(() => splitter().push(bytes)).toThrow(ProtocolError);
  });

  test("a head that no request has ends the stream before the rest arrives", () => {
    const frames = splitter(([first]) => (first === 0x21 ? "it begins with !" : undefined));
    expect(frames.push(frame("good").subarray(0, 6))).toEqual([]);
    expect(texts(frames.push(Buffer.from("od")))).toEqual(["good"]);
    expect(() => frames.push(Buffer.concat([frame("!bad and long").subarray(0, 8)]))).toThrow("it begins with !");
  });

  test("a frame keeps nothing of the chunks, and no more than itself", () => {
    const large = frame("x".repeat(900));
    const bytes = Buffer.concat([large, large]);
    const frames = splitter();
    const found: Uint8Array[] = [];
    for (let at = 0; at < bytes.byteLength; at += 700) {
      const chunk = Buffer.from(bytes.subarray(at, at + 700));
      found.push(...frames.push(chunk));
      chunk.fill(0);
    }
    expect(texts(found)).toEqual(["x".repeat(900), "x".repeat(900)]);
    for (const { buffer } of found) expect(buffer.byteLength).toBeLessThanOrEqual(large.byteLength);
  });

  test("what was announced takes no memory before it comes", () => {
    const frames = splitter();
    frames.push(frame("x".repeat(900)).subarray(0, 10));
    expect(frames.bufferedBytes).toBe(10);
  });
});

function isLatin1(text: string): boolean {
  return Buffer.from(text, "latin1").toString("latin1") === text;
}
