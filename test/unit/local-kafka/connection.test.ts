import { describe, expect, test } from "bun:test";
import { createLogger, type LogEntry } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { Broker } from "../../../src/local/kafka/broker.ts";
import { defaultBrokerConfig } from "../../../src/local/kafka/broker-config.ts";
import { Connection } from "../../../src/local/kafka/connection.ts";
import { openDatabase } from "../../../src/local/kafka/log/database.ts";
import { grammars } from "../../contract/kafka/grammars.ts";
import { requestBytes } from "../../contract/kafka/raw-client.ts";
import { makeBatch } from "../../contract/kafka/record-batch.ts";
import {
  fetchRequest,
  partitionOf,
  partitionsOf,
  produceRequest,
  strangersHeartbeat,
} from "../../contract/kafka/requests.ts";
import { decode } from "../../contract/kafka/wire-grammar.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";

/** A connection whose socket is an array, with room for as many bytes as the test says. */
function connect() {
  const clock = new ManualClock();
  const entries: LogEntry[] = [];
  const log = createLogger({ sink: (entry) => entries.push(entry), level: "debug", clock });
  const database = openDatabase({ dataDir: null, sync: false });
  const broker = new Broker({ database, config: defaultBrokerConfig, clock, random: seededRandom(1), log });
  broker.topics.create("t", 1, new Map());
  const state = {
    room: Number.POSITIVE_INFINITY,
    paused: false,
    ended: false,
    terminated: false,
    output: Buffer.alloc(0),
  };
  const connection = new Connection({
    broker,
    log,
    peer: "test",
    clientHost: "/test",
    outlet: {
      write(bytes) {
        const taken = Math.min(state.room, bytes.byteLength);
        state.room -= taken;
        state.output = Buffer.concat([state.output, bytes.subarray(0, taken)]);
        return taken;
      },
      pause: () => void (state.paused = true),
      resume: () => void (state.paused = false),
      end: () => void (state.ended = true),
      terminate: () => void (state.terminated = true),
    },
  });
  return { clock, entries, broker, connection, state };
}

const ask = (id: number): Buffer => requestBytes(grammars.heartbeat, strangersHeartbeat, 4, id);
const write = (id: number): Buffer =>
  requestBytes(grammars.produce, produceRequest("t", makeBatch({ values: ["v"] })), 8, id);
const poll = (id: number): Buffer => requestBytes(grammars.fetch, fetchRequest("t", 0, { maxWaitMs: 5000 }), 11, id);

/** Correlation ids of the whole answers so far. */
function answered(output: Buffer): number[] {
  const ids: number[] = [];
  for (let at = 0; at + 8 <= output.byteLength; at += 4 + output.readInt32BE(at)) ids.push(output.readInt32BE(at + 4));
  return ids;
}

describe("a connection", () => {
  test("answers in the order of the requests, a long poll before what came behind it", async () => {
    const { connection, state, clock } = connect();
    connection.received(Buffer.concat([ask(1), poll(2), ask(3)]));
    await until(() => answered(state.output).length === 1 && clock.pending === 1, "the poll waits");
    expect(connection.isBusy).toBeTrue();
    clock.advance(5000);
    await until(() => answered(state.output).length === 3, "all are answered");
    expect(answered(state.output)).toEqual([1, 2, 3]);
    expect(connection.isBusy).toBeFalse();
  });

  test("writes produces that come together in one transaction, and what comes behind them sees it", async () => {
    const { connection, state, broker } = connect();
    connection.received(Buffer.concat([write(1), write(2), write(3), poll(4)]));
    await until(() => answered(state.output).length === 4, "all are answered");
    expect(answered(state.output)).toEqual([1, 2, 3, 4]);
    expect(broker.topics.partition("t", 0)?.highWatermark).toBe(3);
  });

  test("stops reading and starting while its answers are not taken, and goes on byte by byte", async () => {
    const { connection, state } = connect();
    state.room = 5;
    connection.received(Buffer.concat([ask(1), ask(2), ask(3)]));
    await until(() => state.paused, "it reads no further");
    expect(state.output.byteLength).toBe(5);
    await until(() => {
      state.room = 1;
      connection.drained();
      return answered(state.output).length === 3 && !connection.isBusy && !state.paused;
    }, "everything is taken");
    expect(answered(state.output)).toEqual([1, 2, 3]);
  });

  test("stores a large batch whole, and sends it whole to who takes it bit by bit", async () => {
    const { connection, state } = connect();
    const value = "0123456789".repeat(30_000);
    const batch = makeBatch({ values: [value] });
    const produced = requestBytes(grammars.produce, produceRequest("t", batch), 8, 1);
    for (let at = 0; at < produced.byteLength; at += 100_000) connection.received(produced.subarray(at, at + 100_000));
    await until(() => answered(state.output).length === 1, "it is stored");
    state.output = Buffer.alloc(0);
    state.room = 7;
    const fetched = [2, 3].map((id) => requestBytes(grammars.fetch, fetchRequest("t", 0, { maxWaitMs: 0 }), 11, id));
    connection.received(Buffer.concat(fetched));
    await until(() => {
      state.room = 50_000;
      connection.drained();
      return answered(state.output).length === 2 && !state.paused;
    }, "everything is taken");
    const first = 4 + state.output.readInt32BE(0);
    for (const answer of [state.output.subarray(8, first), state.output.subarray(first + 8)]) {
      const { records } = partitionOf(decode(grammars.fetch.response, answer, 11, false));
      expect(Buffer.from(records as Uint8Array).includes(value)).toBeTrue();
    }
  });

  test("stops reading while many requests wait", async () => {
    const { connection, state, clock } = connect();
    connection.received(Buffer.concat([poll(0), ...Array.from({ length: 70 }, (_, i) => ask(i + 1))]));
    expect(state.paused).toBeTrue();
    clock.advance(5000);
    await until(() => answered(state.output).length === 71, "all are answered");
    expect(state.paused).toBeFalse();
  });

  test("that is gone ends its long poll", async () => {
    const { connection, clock, broker } = connect();
    connection.received(poll(1));
    await until(() => clock.pending === 1, "the poll waits");
    connection.closed();
    expect(clock.pending).toBe(0);
    broker.close();
  });

  test("is cut after garbage, with a line in the log, and answers nothing more", async () => {
    const { connection, state, entries } = connect();
    connection.received(Buffer.concat([ask(1), Buffer.from("garbage!")]));
    connection.received(ask(2));
    expect(state.terminated).toBeTrue();
    expect(entries.map(({ level, message }) => [level, message])).toEqual([
      ["warn", "kafka connection closed: it does not speak the protocol"],
    ]);
    await until(() => !connection.isBusy, "nothing is under way");
    expect(state.output.byteLength).toBe(0);
  });

  test("appends nothing of a produce that names a partition twice", async () => {
    const { connection, state, broker } = connect();
    const batch = makeBatch({ values: ["v"] });
    const partitions = [0, 0].map((index) => ({ index, records: batch }));
    const twice = { ...produceRequest("t", batch), topics: [{ name: "t", partitions }] };
    connection.received(requestBytes(grammars.produce, twice, 8, 1));
    await until(() => answered(state.output).length === 1, "it is answered");
    const answer = decode(grammars.produce.response, state.output.subarray(8), 8, false);
    expect(partitionsOf(answer).map(({ errorCode }) => errorCode)).toEqual([42, 42]);
    expect(broker.topics.partition("t", 0)?.highWatermark).toBe(0);
  });

  test("is cut where a produce without acknowledgement fails", async () => {
    const { connection, state, entries } = connect();
    const lost = { ...produceRequest("nowhere", makeBatch({ values: ["v"] })), acks: 0 };
    connection.received(requestBytes(grammars.produce, lost, 8, 1));
    await until(() => state.terminated, "it is cut");
    expect(entries[0]?.fields["reason"]).toContain("Cannot append records sent with acks 0");
  });
});
