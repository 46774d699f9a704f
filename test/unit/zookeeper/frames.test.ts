import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { concatBytes } from "../../../src/base/bytes.ts";
import { FrameSplitter, frame } from "../../../src/zookeeper/frames.ts";

const messages = [Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(4), new Uint8Array(300).fill(5)];
const stream = concatBytes(messages.map(frame));

describe("frames", () => {
  test("carry their length before them", () => {
    expect(frame(Uint8Array.of(9, 8))).toEqual(Uint8Array.of(0, 0, 0, 2, 9, 8));
  });

  test.each([1, 2, 3, 5, 7, 100, 100_000])("are split from chunks of %p bytes", (size) => {
    const splitter = new FrameSplitter(300);
    const split: Uint8Array[] = [];
    for (let at = 0; at < stream.byteLength; at += size) split.push(...splitter.push(stream.subarray(at, at + size)));
    expect(split).toEqual(messages);
  });

  test("are split wherever chunks are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.byteLength)), (cuts) => {
        const splitter = new FrameSplitter(300);
        const places = [0, ...cuts.sort((a, b) => a - b), stream.byteLength];
        const split = places.slice(1).flatMap((end, index) => splitter.push(stream.subarray(places[index], end)));
        expect(split).toEqual(messages);
      }),
    );
  });

  test("belong to whoever gets them", () => {
    const chunk = frame(Uint8Array.of(1));
    const [split] = new FrameSplitter(10).push(chunk);
    chunk.fill(0);
    expect(split).toEqual(Uint8Array.of(1));
  });

  test.each([
    ["over the bound", Uint8Array.of(0, 0, 0, 11), "its length is 11, must be 0 to 10"],
    ["huge", Uint8Array.of(127, 255, 255, 255), "its length is 2147483647"],
    ["negative", Uint8Array.of(255, 255, 255, 255), "its length is -1"],
    ["an HTTP answer", Buffer.from("HTTP/1.1 200 OK"), "its length is 1213486160"],
  ])("whose length is %s are refused", (_name, bytes, message) => {
    expect(() => new FrameSplitter(10).push(bytes)).toThrow(message);
  });
});
