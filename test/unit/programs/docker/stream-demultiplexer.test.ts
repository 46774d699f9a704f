import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { concatBytes } from "../../../../src/base/bytes.ts";
import { ContainerStreamError, StreamDemultiplexer } from "../../../../src/programs/docker/stream-demultiplexer.ts";

function frame(type: number, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(8);
  header[0] = type;
  new DataView(header.buffer).setUint32(4, payload.byteLength);
  return concatBytes([header, payload]);
}

function demultiplexer(): { readonly stream: StreamDemultiplexer; readonly got: (type: number) => Uint8Array } {
  const parts = new Map<number, Uint8Array[]>([
    [1, []],
    [2, []],
  ]);
  const stream = new StreamDemultiplexer({
    stdout: (part) => parts.get(1)?.push(part.slice()),
    stderr: (part) => parts.get(2)?.push(part.slice()),
  });
  return { stream, got: (type) => concatBytes(parts.get(type) ?? []) };
}

const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 40 })), { maxLength: 20 });

describe("a container's stream", () => {
  test("gives each output whole and in order, wherever chunks are cut", () => {
    fc.assert(
      fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (written, cuts) => {
        const bytes = concatBytes(written.map(([type, payload]) => frame(type, payload)));
        const { stream, got } = demultiplexer();
        for (let at = 0; at < bytes.byteLength; ) {
          const length = cuts.next().value ?? 1;
          stream.push(bytes.subarray(at, at + length));
          at += length;
        }
        expect(stream.failureAtEnd()).toBeUndefined();
        for (const type of [1, 2]) {
          const expected = written.filter(([one]) => one === type).map(([, payload]) => payload);
          expect(got(type)).toEqual(concatBytes(expected));
        }
      }),
    );
  });

  test.each([3, 10])("that ends after %d bytes of a frame is not whole", (length) => {
    const { stream } = demultiplexer();
    stream.push(frame(1, new Uint8Array(5)).subarray(0, length));
    expect(stream.failureAtEnd()).toBeInstanceOf(ContainerStreamError);
  });

  test("with a frame of another kind is refused: a terminal's stream has no frames", () => {
    const { stream } = demultiplexer();
    expect(() => stream.push(Buffer.from("plain text"))).toThrow("a frame is of type 112, must be 1 or 2");
  });
});
