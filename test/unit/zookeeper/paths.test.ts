import { expect, test } from "bun:test";
import { childPath, isNodePath, pathsAbove } from "../../../src/zookeeper/paths.ts";

test.each(["/", "/a", "/a/b-c_d.e", "/…/é", "/..a/b.."])("%p is a path", (path) => {
  expect(isNodePath(path)).toBe(true);
});

test.each(["", "a", "/a/", "//", "/a//b", "/.", "/a/../b", "/a\u0000", "/a\u001f", "/\ud83d\ude00", "/\ufff0"])(
  "%p is none",
  (path) => {
    expect(isNodePath(path)).toBe(false);
  },
);

test("a child of the root has one slash", () => {
  expect([childPath("/", "a"), childPath("/a", "b")]).toEqual(["/a", "/a/b"]);
  expect(() => childPath("/a", "b/c")).toThrow('Cannot use "b/c" as the name of a node');
});

test("what lies above a path, from the top", () => {
  expect([pathsAbove("/"), pathsAbove("/a"), pathsAbove("/a/b/c")]).toEqual([[], [], ["/a", "/a/b"]]);
});
