import { expect, test } from "bun:test";
import { utf8 } from "../../../../src/base/bytes.ts";
import { PullProgress } from "../../../../src/programs/docker/pull-progress.ts";

/** As Docker 20.10 writes it, shortened. */
const LINES = [
  { status: "Pulling from library/busybox", id: "latest" },
  { status: "Already exists", progressDetail: {}, id: "aaa" },
  { status: "Pulling fs layer", progressDetail: {}, id: "bbb" },
  { status: "Pulling fs layer", progressDetail: {}, id: "ccc" },
  { status: "Downloading", progressDetail: { current: 1_000_000, total: 4_000_000 }, progress: "[==>]", id: "bbb" },
  { status: "Downloading", progressDetail: { current: 500_000, total: 2_000_000 }, progress: "[==>]", id: "ccc" },
  { status: "Download complete", progressDetail: {}, id: "ccc" },
  { status: "Pull complete", progressDetail: {}, id: "ccc" },
]
  .map((line) => `${JSON.stringify(line)}\r\n`)
  .join("");

test.each([LINES.length, 7, 1])("tells layers and bytes, however the stream is cut (%d at a time)", (size) => {
  const progress = new PullProgress();
  const bytes = utf8(LINES);
  for (let at = 0; at < bytes.length; at += size) progress.push(bytes.subarray(at, at + size));
  expect(progress.summary).toEqual({ layers: "2 of 3", downloaded: "3 MB of 6 MB" });
  expect(progress.failure).toBeUndefined();
});

test("a failure is the Engine's own words, and a line that is no JSON changes nothing", () => {
  const progress = new PullProgress();
  progress.push(utf8('nonsense\n{"errorDetail":{"message":"no"},"error":"no such image"}\n7\n'));
  expect(progress.failure).toBe("no such image");
});
