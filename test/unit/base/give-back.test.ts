import { expect, test } from "bun:test";
import { giveBack } from "../../../src/base/bytes.ts";
import { GrowingBytes } from "../../../src/base/growing-bytes.ts";

test("the memory of large bytes is given back, from wherever in it", () => {
  const bytes = new Uint8Array(100_000).fill(7);
  giveBack(bytes.subarray(10, 20));
  expect(bytes.byteLength).toBe(0);
  giveBack(bytes);
});

test("small bytes stay, since they may share their memory with others", () => {
  const [one, other] = [Buffer.from("one"), Buffer.from("other")];
  giveBack(one);
  expect([one, other].map(String)).toEqual(["one", "other"]);
});

test("bytes that grow past what is given back are whole", () => {
  const bytes = new GrowingBytes();
  for (let part = 0; part < 300; part++) bytes.append(new Uint8Array(1000).fill(part % 251));
  const all = bytes.take();
  expect(all.byteLength).toBe(300_000);
  expect(all.every((byte, at) => byte === Math.floor(at / 1000) % 251)).toBeTrue();
});
