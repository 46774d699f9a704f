import { expect, test } from "bun:test";
import fc from "fast-check";
import { aloneKind, formatExecutorId, parseExecutorId } from "../../../src/framework/executor-id.ts";
import {
  formatRecordWork,
  formatTaskId,
  parseRecordWork,
  parseTaskId,
  workHead,
} from "../../../src/framework/task-id.ts";

test("a task id names processor, topic, partition, offset, epoch and launch", () => {
  const work = formatRecordWork({ head: workHead("resize", "photos"), partition: 3, offset: 1042 });
  expect(formatTaskId({ work, epoch: 7, launch: 12 }) as string).toBe("resize_photos_3_1042-7.12");
});

test("a task id is read from its right end, whatever stands in front", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.string({ minLength: 1 }),
      fc.nat(),
      fc.maxSafeNat(),
      fc.nat(),
      fc.maxSafeNat(),
      (processor, topic, partition, offset, epoch, launch) => {
        const head = workHead(processor, topic);
        const id = formatTaskId({ work: formatRecordWork({ head, partition, offset }), epoch, launch });
        const parts = parseTaskId(id);
        expect(parts).toEqual({ work: formatRecordWork({ head, partition, offset }), epoch, launch });
        expect(parseRecordWork(parts?.work ?? "")).toEqual({ head, partition, offset });
        expect(Buffer.byteLength(id)).toBeLessThanOrEqual(255);
        expect(id.isWellFormed()).toBe(true);
        expect(id).not.toMatch(/[/\\\p{Cc}]/u);
      },
    ),
  );
});

test("heads that had to be changed differ where their originals differ", () => {
  const heads = ["a/b", "a\\b", "a\nb", "a-b"].map((topic) => workHead("p", topic));
  expect(new Set(heads).size).toBe(4);
  const long = ["x", "y"].map((end) => workHead("p", "t".repeat(300) + end));
  expect(new Set(long).size).toBe(2);
  expect(long.every((head) => Buffer.byteLength(head) <= 200)).toBe(true);
});

test.each(["", "task", "p_t_0_1", "p_t_0_1-3", "p_t_0_1-x.1", "-1.2", "brigade-barrier.3.1"])(
  "%p is no task id of ours",
  (id) => {
    expect(parseTaskId(id)).toBeUndefined();
  },
);

test("an executor id is read from its right end", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }),
      fc.stringMatching(/^[0-9a-f]{12}$/),
      fc.nat(),
      fc.nat(),
      (name, hash, epoch, number) => {
        for (const kind of [hash, aloneKind(hash)]) {
          expect(parseExecutorId(formatExecutorId({ name, kind, epoch, number }))).toEqual({
            name,
            kind,
            epoch,
            number,
          });
        }
      },
    ),
  );
  expect(parseExecutorId("somebody-else")).toBeUndefined();
});
