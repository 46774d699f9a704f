import { describe, expect, test } from "bun:test";
import { topicConfigProblem } from "../../../src/local/kafka/log/topic-config.ts";
import { topicNameKey, topicNameProblem } from "../../../src/local/kafka/log/topic-name.ts";

describe("names of topics", () => {
  test.each(["a", "A.b_c-9", "..a", "x".repeat(249)])("%p is allowed", (name) => {
    expect(topicNameProblem(name)).toBeUndefined();
  });

  test.each(["", ".", "..", "a b", "ä", "a/b", "a\n", "x".repeat(250)])("%p is not", (name) => {
    expect(topicNameProblem(name)).toStartWith("Topic name is invalid");
  });

  test("names that differ in dots and underscores are one", () => {
    expect(topicNameKey("a.b_c")).toBe(topicNameKey("a_b.c"));
  });
});

describe("settings of topics", () => {
  test.each([
    ["retention.ms", "-1"],
    ["retention.ms", "9223372036854775807"],
    ["flush.ms", "+5"],
    ["min.cleanable.dirty.ratio", "1e-1"],
    ["max.message.bytes", "0"],
    ["cleanup.policy", "compact, delete"],
    ["message.timestamp.type", "LogAppendTime"],
  ])("%s may be %s", (name, value) => {
    expect(topicConfigProblem(name, value)).toBeUndefined();
  });

  test.each([
    ["retention.ms", "-2", "must be at least -1"],
    ["retention.ms", "a week", "must be a number of type long"],
    ["max.message.bytes", "2147483648", "must be a number of type int"],
    ["max.message.bytes", "-2147483649", "must be a number of type int"],
    ["retention.ms", "9223372036854775808", "must be a number of type long"],
    ["compression.gzip.level", "0", "must be one of -1, 1, 2"],
    ["cleanup.policy", "shred", "must be one of delete, compact"],
    ["retention.ms", null, "Null value not supported"],
    ["retention", "1", "Unknown topic config name: retention"],
  ])("%s may not be %p", (name, value, problem) => {
    expect(topicConfigProblem(name, value)).toContain(problem);
  });
});
