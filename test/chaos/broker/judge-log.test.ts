import { expect, test } from "bun:test";
import { addVerdicts, judgeLog } from "./judge-log.ts";

const batches = [
  { first: 0, count: 2, offset: 0 },
  { first: 2, count: 3, offset: 2 },
];
const kept = { acknowledged: 5, lost: 0, twice: 0, misplaced: 0 };

test("a log with everything in its place is judged whole", () => {
  expect(judgeLog(batches, [0, 1, 2, 3, 4])).toEqual(kept);
});

test("what was written and not acknowledged may be there", () => {
  expect(judgeLog(batches, [0, 1, 2, 3, 4, 5])).toEqual(kept);
});

test("what was acknowledged and is not there is lost", () => {
  expect(judgeLog(batches, [0, 1, 2])).toEqual({ ...kept, lost: 2 });
  expect(judgeLog(batches, [])).toEqual({ ...kept, lost: 5 });
});

test("a batch that was written again stands twice", () => {
  expect(judgeLog(batches, [0, 1, 2, 3, 4, 2, 3, 4])).toEqual({ ...kept, twice: 3 });
});

test("a record twice moves those behind it from where the broker said", () => {
  expect(judgeLog(batches, [0, 1, 0, 1, 2, 3, 4])).toEqual({ ...kept, twice: 2, misplaced: 3 });
});

test("partitions are summed", () => {
  expect(addVerdicts([kept, { ...kept, lost: 1 }])).toEqual({ acknowledged: 10, lost: 1, twice: 0, misplaced: 0 });
});
