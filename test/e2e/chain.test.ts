import { expect } from "bun:test";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventuallyWithProgress } from "../support/e2e/eventually.ts";
import { kcatProduce, kcatRead, noKcat } from "../support/e2e/kcat.ts";
import { type LocalBrigade, startLocal } from "../support/e2e/local-brigade.ts";
import { settledRecords } from "../support/e2e/scheduler-api.ts";

const PARTITIONS = 3;

/** Three processors, each of which makes the letter of the one before it the next: A, B, C, D. */
const chain = ["AB", "BC", "CD"].map(([from = "", to = ""], at) =>
  definition(`step-${at}`, `t${at}`, `t${at + 1}`, ["tr", from, to], { concurrency: 16, error: "errors" }),
);

async function createTopics({ topics }: LocalBrigade): Promise<void> {
  for (const topic of ["t0", "t1", "t2", "t3"]) await topics.create(topic, PARTITIONS);
}

/** Waits until each processor of the chain has settled so many records. */
async function untilSettled({ api }: LocalBrigade, records: readonly number[]): Promise<void> {
  const wanted = records.join(" ");
  await eventuallyWithProgress(
    `the chain has settled ${wanted} records`,
    async () => (await api.status()).processors.map(settledRecords).join(" "),
    (progress) => progress === wanted,
  );
}

endToEnd(
  "10 000 keyed records of kcat go through three processors, and kcat reads each once, with its key",
  async (world) => {
    const lines = Array.from({ length: 10_000 }, (_, i) => `key-${i}\tvalue ${i} A`);
    await using brigade = await startLocal(world, { args: ["--cpus", "8"] });
    await createTopics(brigade);
    await world.define(...chain);
    await kcatProduce(brigade.kafka, "t0", lines);
    await untilSettled(brigade, [10_000, 10_000, 10_000]);

    const results = await kcatRead(brigade.kafka, "t3", "%k\t%s");
    expect(results.toSorted()).toEqual(lines.map((line) => line.replace("A", "D")).sort());
    const partitions = new Set(await kcatRead(brigade.kafka, "t3", "%p"));
    expect(partitions.size).toBe(PARTITIONS);
    expect((await brigade.api.status()).processors.map(({ counters }) => counters.reruns)).toEqual([{}, {}, {}]);
    expect(await brigade.process.end("SIGINT")).toBe(0);
  },
  // 30 000 programs are started; on a busy machine that takes minutes.
  { skip: noKcat, timeoutMs: 600_000 },
);

endToEnd(
  "records that fail in the middle of a chain go to the error topic with their key and the reason, the others go on",
  async (world) => {
    // Keys that end in 3 are refused at once; those that end in 7 fail in each of two attempts.
    const script = 'case "$BRIGADE_KEY" in *3) printf "no threes" >&2; exit 65;; *7) exit 4;; esac; tr B C';
    const retry = { attempts: 2, backoff: "10ms" };
    const [first, middle, last] = chain;
    await using brigade = await startLocal(world, { args: ["--cpus", "8"] });
    await createTopics(brigade);
    await brigade.topics.create("errors", PARTITIONS);
    await world.define(
      first!,
      { ...middle!, command: script, retry, error: { topic: "errors", value: "input" } },
      last!,
    );
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    await kcatProduce(
      brigade.kafka,
      "t0",
      numbers.map((i) => `${i}\tvalue ${i} A`),
    );
    await untilSettled(brigade, [200, 200, 160]);

    const good = numbers.filter((i) => ![3, 7].includes(i % 10));
    const results = await kcatRead(brigade.kafka, "t3", "%k\t%s");
    expect(results.toSorted()).toEqual(good.map((i) => `${i}\tvalue ${i} D`).sort());

    const errors = await kcatRead(brigade.kafka, "errors", "%k\t%s\t%h");
    const byKey = new Map(errors.map((line) => [line.split("\t", 1)[0], line]));
    expect(errors).toHaveLength(40);
    expect(new Set(byKey.keys())).toEqual(new Set(numbers.filter((i) => !good.includes(i)).map(String)));
    for (const [key, line] of byKey) {
      const [, value, headers = ""] = line.split("\t");
      const isThree = key!.endsWith("3");
      expect(value).toBe(`value ${key} B`);
      expect(headers).toContain("brigade.error.processor=step-1,brigade.error.topic=t1,");
      expect(headers).toContain(
        isThree
          ? "brigade.error.attempts=1,brigade.error.reason=exit code 65 (EX_DATAERR),brigade.error.exit-code=65"
          : "brigade.error.attempts=2,brigade.error.reason=exit code 4,brigade.error.exit-code=4",
      );
      expect(headers.includes("brigade.error.stderr=no threes")).toBe(isThree);
    }
  },
  { skip: noKcat },
);
