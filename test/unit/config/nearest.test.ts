import { expect, test } from "bun:test";
import { nearestName } from "../../../src/config/nearest.ts";

const names = ["name", "input", "output", "error", "mem", "max-output", "empty-output", "MESOS_MASTER"];

test.each([
  ["outptu", "output"],
  ["Output", "output"],
  ["max_output", "max-output"],
  ["maxOutput", "max-output"],
  ["memory", "mem"],
  ["inputs", "input"],
  ["mesos.master", "MESOS_MASTER"],
])("%s is probably %s", (wrong, right) => {
  expect(nearestName(wrong, names)).toBe(right);
});

test.each(["x", "zookeeper", "", "id"])("%p is near to nothing", (wrong) => {
  expect(nearestName(wrong, names)).toBeUndefined();
});
