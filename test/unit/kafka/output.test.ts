import { afterEach, describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { RecordRefusedError } from "../../../src/engine/errors.ts";
import { partitionOfKey } from "../../../src/kafka/murmur2.ts";
import { KafkaOutput } from "../../../src/kafka/output.ts";
import { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { rejection } from "../../support/rejection.ts";
import type { TcpServer } from "../../support/tcp-server.ts";
import { until } from "../../support/until.ts";
import { type ProducedBatch, type ProduceScript, startScriptedBroker } from "./scripted-broker.ts";

const PARTITIONS = 3;
const NOT_LEADER = 6 as ErrorCode;
const OUT_OF_ORDER = 45 as ErrorCode;

/** A key of each partition. */
const keys = Array.from({ length: PARTITIONS }, (_, partition) => {
  for (let n = 0; ; n++) if (partitionOfKey(utf8(`k${n}`), PARTITIONS) === partition) return utf8(`k${n}`);
});

let broker: TcpServer | undefined;
let output: KafkaOutput | undefined;

afterEach(async () => {
  await output?.close();
  await broker?.[Symbol.asyncDispose]();
});

async function setUp(script: ProduceScript): Promise<{
  clock: ManualClock;
  requests: (readonly ProducedBatch[])[];
  send: (partition: number, ...values: string[]) => Promise<void>;
}> {
  const requests: (readonly ProducedBatch[])[] = [];
  broker = await startScriptedBroker(PARTITIONS, (batches) => {
    requests.push(batches);
    return script(batches);
  });
  const clock = new ManualClock();
  const kafka = { brokers: [broker.endpoint], clientId: "test" };
  const made = new KafkaOutput({ kafka, clock, random: seededRandom(1), log: silentLogger });
  output = made;
  const send = (partition: number, ...values: string[]): Promise<void> =>
    made.send(values.map((value) => ({ topic: "out", key: keys[partition]!, value: utf8(value), headers: [] })));
  return { clock, requests, send };
}

const shown = (requests: readonly (readonly ProducedBatch[])[]): string[] =>
  requests.map((batches) =>
    batches
      .map(
        ({ partition, values, producerId, baseSequence }) =>
          `${partition}: ${values.join("")} ${producerId}/${baseSequence}`,
      )
      .sort()
      .join(", "),
  );

describe("a request for several partitions", () => {
  test("is done with those that took their batch, whatever the others say", async () => {
    let isMoving = true;
    const { clock, requests, send } = await setUp((batches) =>
      batches.map(({ partition }) => (partition === 1 && isMoving ? NOT_LEADER : ErrorCode.NONE)),
    );
    const waiting = send(1, "b");
    await Promise.all([send(0, "a"), send(2, "c")]);
    await until(() => clock.pending === 1, "it waits to try partition 1 again");
    // The others go on meanwhile.
    await send(0, "d");
    isMoving = false;
    clock.advance(10_000);
    await waiting;
    expect(shown(requests)).toEqual(["0: a 1/0, 1: b 1/0, 2: c 1/0", "0: d 1/1", "1: b 1/0"]);
  });

  test("is repeated for a partition that the answer leaves out", async () => {
    const { clock, requests, send } = await setUp((batches) =>
      batches.map(({ partition }) => (partition === 1 && requests.length === 1 ? undefined : ErrorCode.NONE)),
    );
    const waiting = send(1, "b");
    await send(0, "a");
    await until(() => clock.pending === 1, "it waits to try partition 1 again");
    clock.advance(10_000);
    await waiting;
    expect(shown(requests)).toEqual(["0: a 1/0, 1: b 1/0", "1: b 1/0"]);
  });

  test("fails the record that its partition refuses, and no other", async () => {
    const { requests, send } = await setUp((batches) =>
      batches.map(({ values }) => (values.includes("X") ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.NONE)),
    );
    const sent = [send(0, "a"), send(1, "b"), send(1, "X"), send(1, "c")].map((each) => each.catch((error) => error));
    const results = await Promise.all(sent);
    expect(results.map((result) => result instanceof RecordRefusedError)).toEqual([false, false, true, false]);
    expect(shown(requests)).toEqual(["0: a 1/0, 1: bXc 1/0", "1: bX 1/0", "1: b 1/0", "1: X 1/1", "1: c 1/1"]);
  });

  test("ends the producer id where one partition has lost it; what was written is not written again", async () => {
    const { requests, send } = await setUp((batches) =>
      batches.map(({ partition, producerId }) => (partition === 1 && producerId === 1 ? OUT_OF_ORDER : ErrorCode.NONE)),
    );
    await Promise.all([send(0, "a"), send(1, "b")]);
    await send(0, "c");
    expect(shown(requests)).toEqual(["0: a 1/0, 1: b 1/0", "1: b 2/0", "0: c 2/0"]);
  });

  test("is given up with the output", async () => {
    const { clock, send } = await setUp((batches) => batches.map(() => NOT_LEADER));
    const waiting = send(1, "b").catch((error: unknown) => error);
    await until(() => clock.pending === 1, "it waits to try again");
    await output?.close();
    expect(await waiting).toMatchObject({ code: "kafka-closed" });
    expect(await rejection(send(0, "a"))).toMatchObject({ code: "kafka-closed" });
  });
});
