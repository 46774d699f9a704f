import { describe, expect, test } from "bun:test";
import { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";
import {
  addTo,
  checkWriter,
  end,
  fence,
  type ProducerClaim,
  type Transaction,
  type Transition,
  takeOver,
} from "../../../src/local/kafka/transactions/transaction.ts";

const NOW_MS = 1000;

function become(transition: Transition): Transaction {
  if (transition.type !== "become" && transition.type !== "end") throw new Error(`it is ${transition.type}`);
  return transition.next;
}

function asked(before: Transaction | undefined, claim?: ProducerClaim): Transition {
  return takeOver("id", before, claim, { timeoutMs: 5000, nowMs: NOW_MS, newProducerId: () => 77 });
}

const fresh = become(asked(undefined));
const ongoing = become(addTo(fresh, fresh, NOW_MS));
const refused = (errorCode: ErrorCode): Transition => ({ type: "refuse", errorCode });

describe("a transactional id", () => {
  test("gets a producer id with its first producer, and an epoch more with each further one", () => {
    expect(fresh).toMatchObject({ producerId: 77, producerEpoch: 0, state: "Empty" });
    expect(become(asked(fresh))).toMatchObject({ producerId: 77, producerEpoch: 1, lastProducerEpoch: -1 });
  });

  test("is not handed over while a transaction is open: that one is aborted under an epoch of its own", () => {
    const ended = asked(ongoing);
    expect(ended).toMatchObject({ type: "end", committed: false, next: { producerEpoch: 1, state: "CompleteAbort" } });
    expect(become(asked(become(ended)))).toMatchObject({ producerEpoch: 2, state: "Empty" });
  });

  test("keeps its last epoch to fence with, and then takes another producer id", () => {
    const last = { ...fresh, producerId: 5, producerEpoch: 32_765 };
    const used = become(asked(last));
    expect(used).toMatchObject({ producerId: 5, producerEpoch: 32_766 });
    const open = become(addTo(used, used, NOW_MS));
    expect(become(fence(open, NOW_MS))).toMatchObject({ producerId: 5, producerEpoch: 32_767 });
    const rotated = become(asked(used, used));
    expect(rotated).toMatchObject({ producerId: 77, producerEpoch: 0, previousProducerId: 5 });
    // The answer was lost: who still has the used-up epoch gets the same producer id again.
    expect(become(asked(rotated, used))).toMatchObject({ producerId: 77, producerEpoch: 0 });
    expect(asked(rotated, { producerId: 5, producerEpoch: 3 })).toEqual(refused(ErrorCode.PRODUCER_FENCED));
  });

  test("lets nobody in who claims an epoch that is not the newest", () => {
    const second = become(asked(fresh));
    expect(asked(second, fresh)).toEqual(refused(ErrorCode.PRODUCER_FENCED));
    expect(asked(second, { producerId: 6, producerEpoch: 1 })).toEqual(refused(ErrorCode.PRODUCER_FENCED));
    expect(become(asked(second, second))).toMatchObject({ producerEpoch: 2, lastProducerEpoch: 1 });
  });
});

describe("a transaction", () => {
  test("begins with what is added first, and goes on with what is added later", () => {
    expect(ongoing).toMatchObject({ state: "Ongoing", startedAtMs: NOW_MS });
    expect(addTo(ongoing, ongoing, 2000)).toEqual({ type: "keep" });
    const ended = become(end(ongoing, ongoing, true, 3000));
    expect(become(addTo(ended, ended, 4000))).toMatchObject({ state: "Ongoing", startedAtMs: 4000 });
  });

  test("ends once, one way", () => {
    for (const committed of [true, false]) {
      const ended = become(end(ongoing, ongoing, committed, NOW_MS));
      expect(ended.state).toBe(committed ? "CompleteCommit" : "CompleteAbort");
      expect(end(ended, ended, committed, NOW_MS)).toEqual({ type: "keep" });
      expect(end(ended, ended, !committed, NOW_MS)).toEqual(refused(ErrorCode.INVALID_TXN_STATE));
    }
    expect(end(fresh, fresh, true, NOW_MS)).toEqual(refused(ErrorCode.INVALID_TXN_STATE));
  });

  test("is nobody's but its producer's", () => {
    const other = { producerId: 6, producerEpoch: 0 };
    const old = { producerId: 77, producerEpoch: -1 };
    for (const act of [addTo, (before: Transaction | undefined, claim: ProducerClaim) => end(before, claim, true, 0)]) {
      expect(act(undefined, fresh, 0)).toEqual(refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING));
      expect(act(ongoing, other, 0)).toEqual(refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING));
      expect(act(ongoing, old, 0)).toEqual(refused(ErrorCode.PRODUCER_FENCED));
    }
    expect(checkWriter(ongoing, ongoing)).toBe(ErrorCode.NONE);
    expect(checkWriter(ongoing, old)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(checkWriter(ongoing, other)).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
    expect(checkWriter(fresh, fresh)).toBe(ErrorCode.INVALID_TXN_STATE);
  });

  test("is fenced only while it is ongoing", () => {
    expect(fence(fresh, NOW_MS)).toEqual({ type: "keep" });
  });
});
