import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../src/base/random.ts";
import { type FetchScope, FetchSessions } from "../../../src/local/kafka/fetching/fetch-sessions.ts";
import type { FetchPartitionResult, FetchRequest, FetchTopic } from "../../../src/local/kafka/messages/fetch.ts";
import { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";

function topicOf(name: string, ...indexes: number[]): FetchTopic {
  const partitions = indexes.map((index) => ({ index, currentLeaderEpoch: -1, fetchOffset: 0, maxBytes: 100 }));
  return { name, topicId: "", partitions };
}

function request(sessionId: number, sessionEpoch: number, ...topics: FetchTopic[]): FetchRequest {
  const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 100, isolationLevel: 0 };
  return { ...limits, sessionId, sessionEpoch, topics, forgotten: [] };
}

function sessions(slots = 10): FetchSessions {
  return new FetchSessions(slots, seededRandom(1));
}

function opened(all: FetchSessions, nowMs: number, ...topics: FetchTopic[]) {
  const scope = all.scopeOf(request(0, 0, ...topics), false, nowMs);
  if (scope.type !== "session") throw new Error(`it is ${scope.type}`);
  return scope.session;
}

const refused = (errorCode: ErrorCode): FetchScope => ({ type: "refuse", errorCode });

function result(index: number, more: Partial<FetchPartitionResult> = {}): FetchPartitionResult {
  return {
    index,
    errorCode: ErrorCode.NONE,
    highWatermark: 5,
    lastStableOffset: 5,
    logStartOffset: 0,
    abortedTransactions: null,
    batches: [],
    ...more,
  };
}

describe("fetch sessions", () => {
  test("are made where there is room, and else the client goes on without one", () => {
    const all = sessions(2);
    opened(all, 0, topicOf("a", 0));
    opened(all, 60_000, topicOf("a", 0));
    expect(all.scopeOf(request(0, 0, topicOf("a", 0)), false, 119_999)).toMatchObject({ type: "plain" });
    expect(all.scopeOf(request(0, 0, topicOf("a", 0)), false, 120_000)).toMatchObject({ type: "session", isNew: true });
    expect(all.size).toBe(2);
  });

  test("that are in use do not give way", () => {
    const all = sessions(1);
    const { id } = opened(all, 0, topicOf("a", 0));
    expect(all.scopeOf(request(id, 1), false, 100_000)).toMatchObject({ type: "session", isNew: false });
    expect(all.scopeOf(request(0, 0, topicOf("a", 0)), false, 200_000)).toMatchObject({ type: "plain" });
  });

  test("are not made for nothing, and end when the client says so", () => {
    const all = sessions();
    expect(all.scopeOf(request(0, 0), false, 0)).toMatchObject({ type: "plain" });
    const { id } = opened(all, 0, topicOf("a", 0));
    expect(all.scopeOf(request(id, -1, topicOf("a", 0)), false, 0)).toMatchObject({ type: "plain" });
    expect(all.size).toBe(0);
    expect(all.scopeOf(request(id, 1), false, 0)).toEqual(refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND));
  });

  test("follow each other by their epoch, which begins again behind the largest", () => {
    const session = opened(sessions(), 0, topicOf("a", 0));
    expect(session.update(2, false, [], [])).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    expect(session.update(1, false, [], [])).toBe(ErrorCode.NONE);
    expect(session.update(1, false, [], [])).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  });

  test("do not change between names and ids", () => {
    const session = opened(sessions(), 0, topicOf("a", 0));
    expect(session.update(1, true, [], [])).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
    expect(session.update(2, true, [], [])).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    expect(session.update(1, false, [], [])).toBe(ErrorCode.NONE);
  });

  test("are over when nothing is wanted any more", () => {
    const all = sessions();
    const { id } = opened(all, 0, topicOf("a", 0));
    const forget = { ...request(id, 1), forgotten: [{ name: "a", topicId: "", partitions: [0] }] };
    expect(all.scopeOf(forget, false, 0)).toEqual({ type: "plain", topics: [] });
    expect(all.scopeOf(request(id, 2), false, 0)).toEqual(refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND));
  });

  test("want what was named and not forgotten, those that had records last", () => {
    const session = opened(sessions(), 0, topicOf("a", 0, 1), topicOf("b", 0));
    session.update(1, false, [topicOf("b", 2)], [{ name: "a", topicId: "", partitions: [1] }]);
    const wanted = () => session.wanted().map(({ name, partitions }) => [name, partitions.map(({ index }) => index)]);
    expect(wanted()).toEqual([
      ["a", [0]],
      ["b", [0, 2]],
    ]);
    const records = [result(0, { batches: [Uint8Array.of(1)] })];
    session.news([{ name: "a", topicId: "", partitions: records }]);
    expect(wanted()).toEqual([
      ["b", [0, 2]],
      ["a", [0]],
    ]);
  });

  test("tell records, errors and offsets that moved, and an error again when it is over", () => {
    const session = opened(sessions(), 0, topicOf("a", 0, 1, 2, 3));
    const told = (...partitions: FetchPartitionResult[]): number[] =>
      session
        .news([{ name: "a", topicId: "", partitions }])
        .flatMap((topic) => topic.partitions.map(({ index }) => index));
    const all = [0, 1, 2, 3].map((index) => result(index));
    expect(told(...all)).toEqual([0, 1, 2, 3]);
    expect(told(...all)).toEqual([]);
    const error = result(0, { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, highWatermark: -1, logStartOffset: -1 });
    const records = result(1, { batches: [Uint8Array.of(1)] });
    expect(told(error, records, result(2, { highWatermark: 6 }), result(3, { logStartOffset: 1 }))).toEqual([
      0, 1, 2, 3,
    ]);
    expect(told(error)).toEqual([0]);
    expect(told(result(0))).toEqual([0]);
    expect(told(result(0))).toEqual([]);
  });
});
