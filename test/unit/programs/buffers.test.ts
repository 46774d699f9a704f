import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { concatBytes, utf8 } from "../../../src/base/bytes.ts";
import { BoundedBuffer } from "../../../src/programs/bounded-buffer.ts";
import { RotatingFile } from "../../../src/programs/rotating-file.ts";
import { TailBuffer } from "../../../src/programs/tail-buffer.ts";

const chunks = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 20 });

describe("a bounded buffer", () => {
  test("keeps the first bytes of whatever pieces, up to its limit, and tells when it is over", () => {
    fc.assert(
      fc.property(chunks, fc.nat(200), (parts, limit) => {
        const buffer = new BoundedBuffer(limit);
        const fitted = parts.map((part) => buffer.add(part));
        const all = concatBytes(parts);
        expect(buffer.bytes).toEqual(all.slice(0, limit));
        expect(fitted.every(Boolean)).toBe(all.byteLength <= limit);
      }),
    );
  });
});

describe("a tail buffer", () => {
  test("keeps the last bytes of whatever pieces", () => {
    fc.assert(
      fc.property(chunks, fc.nat(200), (parts, limit) => {
        const buffer = new TailBuffer(limit);
        for (const part of parts) buffer.add(part);
        const all = concatBytes(parts);
        expect(buffer.bytes).toEqual(all.slice(Math.max(0, all.byteLength - limit)));
      }),
    );
  });
});

describe("a rotating file", () => {
  test("holds at most its limit, and the part before it in a second file", () => {
    const folder = mkdtempSync(join(tmpdir(), "brigade-rotating-"));
    try {
      const path = join(folder, "log");
      const file = new RotatingFile(path, 10);
      for (const text of ["aaaa", "bbbb", "cccc", "dddd", "eeee"]) file.append(utf8(text));
      file.close();
      expect(readFileSync(path, "utf8")).toBe("eeee");
      expect(readFileSync(`${path}.1`, "utf8")).toBe("ccccdddd");
      expect(existsSync(`${path}.2`)).toBeFalse();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("goes on where an earlier process stopped", () => {
    const folder = mkdtempSync(join(tmpdir(), "brigade-rotating-"));
    try {
      const path = join(folder, "log");
      for (const text of ["aaaa", "bbbb"]) {
        const file = new RotatingFile(path, 10);
        file.append(utf8(text));
        file.close();
      }
      expect(statSync(path).size).toBe(8);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
