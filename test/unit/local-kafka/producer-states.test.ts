import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type ProducerBatch, REMEMBERED_BATCHES } from "../../../src/local/kafka/log/batch-types.ts";
import { ProducerStates } from "../../../src/local/kafka/log/producer-states.ts";
import { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";

const PRODUCER = 7;

/** A log that a producer's batches are appended to, and the states over it. */
class Appender {
  readonly log: ProducerBatch[] = [];
  states = this.reopened();
  #endOffset = 100;

  reopened(): ProducerStates {
    return new ProducerStates(() => {
      const epoch = this.log.at(-1)?.producerEpoch;
      if (epoch === undefined) return undefined;
      const ofEpoch = this.log.filter(
        ({ producerEpoch, baseSequence }) => producerEpoch === epoch && baseSequence >= 0,
      );
      return { epoch, batches: ofEpoch.toReversed().slice(0, REMEMBERED_BATCHES) };
    });
  }

  /** What ends a transaction. */
  mark(producerEpoch: number): void {
    const offset = this.#endOffset++;
    this.log.push({ baseOffset: offset, lastOffset: offset, maxTimestampMs: 0, producerEpoch, baseSequence: -1 });
    this.states.stageEpoch(PRODUCER, producerEpoch);
    this.states.publish();
  }

  /** The base offset, or the error. */
  append(producerEpoch: number, baseSequence: number, recordCount = 1): number | string {
    const verdict = this.states.check({ producerId: PRODUCER, producerEpoch, baseSequence, recordCount });
    if (verdict.type === "duplicate") return verdict.of.baseOffset;
    if (verdict.type === "refuse")
      return Object.entries(ErrorCode).find(([, code]) => code === verdict.errorCode)?.[0] ?? "";
    const baseOffset = this.#endOffset;
    this.#endOffset += recordCount;
    const batch = { baseOffset, lastOffset: this.#endOffset - 1, maxTimestampMs: 0, producerEpoch, baseSequence };
    this.log.push(batch);
    this.states.stage(PRODUCER, batch);
    this.states.publish();
    return baseOffset;
  }
}

describe("an idempotent producer", () => {
  test("appends in sequence, and gets the first answer for what it sends again", () => {
    const appender = new Appender();
    expect([appender.append(0, 0, 3), appender.append(0, 3, 2), appender.append(0, 5)]).toEqual([100, 103, 105]);
    expect([appender.append(0, 3, 2), appender.append(0, 0, 3)]).toEqual([103, 100]);
  });

  test("is refused where a batch is missing", () => {
    const appender = new Appender();
    appender.append(0, 0);
    expect(appender.append(0, 2)).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
  });

  test("is refused where it sends again what is older than five batches", () => {
    const appender = new Appender();
    for (let sequence = 0; sequence < 6; sequence++) appender.append(0, sequence);
    expect(appender.append(0, 1)).toBe(101);
    expect(appender.append(0, 0)).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
  });

  test("begins a new epoch at 0, and is then refused under the old one", () => {
    const appender = new Appender();
    appender.append(0, 0);
    expect(appender.append(1, 1)).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
    expect(appender.append(1, 0)).toBe(101);
    expect(appender.append(0, 1)).toBe("INVALID_PRODUCER_EPOCH");
  });

  test("goes on in sequence behind a control record of its epoch, and is fenced by one of a later", () => {
    const appender = new Appender();
    appender.append(0, 0);
    appender.mark(0);
    expect(appender.append(0, 0)).toBe(100);
    expect(appender.append(0, 1)).toBe(102);
    appender.mark(1);
    expect(appender.append(0, 2)).toBe("INVALID_PRODUCER_EPOCH");
    expect(appender.append(1, 2)).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
    expect(appender.append(1, 0)).toBe(104);
  });

  test("may begin anywhere where the log knows nothing of it", () => {
    expect(new Appender().append(4, 77)).toBe(100);
  });

  test("goes on from 2^31 - 1 with 0", () => {
    const appender = new Appender();
    appender.append(0, 2_147_483_646, 2);
    expect(appender.append(0, 0)).toBe(102);
    appender.append(0, 1, 2);
    expect(appender.append(0, 2_147_483_646, 2)).toBe(100);
  });

  test("crosses 2^31 - 1 within a batch", () => {
    const appender = new Appender();
    appender.append(0, 2_147_483_646, 5);
    expect(appender.append(0, 3)).toBe(105);
  });

  test("what was staged and discarded was never sent", () => {
    const { states } = new Appender();
    const claim = { producerId: PRODUCER, producerEpoch: 0, baseSequence: 0, recordCount: 1 };
    states.stage(PRODUCER, { baseOffset: 0, lastOffset: 0, maxTimestampMs: 0, producerEpoch: 0, baseSequence: 0 });
    expect(states.check(claim).type).toBe("duplicate");
    states.discard();
    expect(states.check(claim).type).toBe("append");
  });

  test("answers the same whether the states were kept or read back from the log", () => {
    const send = fc.record({
      epoch: fc.nat(2),
      sequence: fc.nat(9),
      count: fc.integer({ min: 1, max: 3 }),
      marked: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(send, { maxLength: 40 }), fc.nat(5), (sends, every) => {
        const kept = new Appender();
        const reopening = new Appender();
        let highest = 0;
        for (const [i, { epoch, sequence, count, marked }] of sends.entries()) {
          if (i % (every + 1) === 0) reopening.states = reopening.reopened();
          highest = Math.max(highest, epoch);
          if (marked) for (const appender of [reopening, kept]) appender.mark(highest);
          expect(reopening.append(epoch, sequence, count)).toBe(kept.append(epoch, sequence, count));
        }
      }),
    );
  });
});
