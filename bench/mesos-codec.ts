/**
 * RecordIO and protobuf together: status updates as they come from a master, cut into chunks as a socket delivers them.
 *
 * Baseline: JSON.parse of the same events in the JSON that Mesos would have sent, records given one by one.
 */

import { utf8 } from "../src/base/bytes.ts";
import { decodeSchedulerEvent, encodeSchedulerEvent } from "../src/mesos/codec.ts";
import { encodeRecord, RecordIoDecoder } from "../src/mesos/recordio.ts";
import type { SchedulerEvent } from "../src/mesos/scheduler-api.ts";
import type { AgentId, ExecutorId, TaskId } from "../src/mesos/types.ts";
import { report, rounds, spread } from "./support.ts";

const EVENTS = 50_000;
/** What one read of a busy socket gives. */
const CHUNK_BYTES = 65_536;

const events: SchedulerEvent[] = Array.from({ length: 100 }, (_, index) => ({
  type: "UPDATE",
  status: {
    taskId: `noop_in_0_${index}-1.${index}` as TaskId,
    state: "TASK_FINISHED",
    source: "SOURCE_EXECUTOR",
    agentId: "2f6d0f4a-1b8d-4f19-9a4b-9c6a36c6a111-S0" as AgentId,
    executorId: "noop-1a2b3c-0-1" as ExecutorId,
    timestamp: 1_700_000_000.5 + index,
    uuid: Uint8Array.from({ length: 16 }, (_, at) => at + index),
    data: utf8("x".repeat(200)),
  },
}));

const protobuf = Buffer.concat(
  Array.from({ length: EVENTS / events.length }, () =>
    Buffer.concat(events.map((event) => encodeRecord(encodeSchedulerEvent(event, "application/x-protobuf")))),
  ),
);
const json = events.map((event) => Buffer.from(encodeSchedulerEvent(event, "application/json")).toString());

function readProtobuf(): number {
  const decoder = new RecordIoDecoder(1 << 20);
  let count = 0;
  const start = performance.now();
  for (let at = 0; at < protobuf.byteLength; at += CHUNK_BYTES) {
    for (const record of decoder.push(protobuf.subarray(at, at + CHUNK_BYTES))) {
      if (decodeSchedulerEvent(record, "application/x-protobuf").type === "UPDATE") count++;
    }
  }
  if (count !== EVENTS) throw new Error(`read ${count} of ${EVENTS} events`);
  return EVENTS / ((performance.now() - start) / 1000);
}

function parseJson(): number {
  let count = 0;
  const start = performance.now();
  for (let at = 0; at < EVENTS; at++) {
    const event = JSON.parse(json[at % json.length] ?? "") as { type: string };
    if (event.type === "UPDATE") count++;
  }
  if (count !== EVENTS) throw new Error("an event was not read");
  return EVENTS / ((performance.now() - start) / 1000);
}

readProtobuf();
parseJson();
const rates = rounds(5, () => ({ ours: readProtobuf(), baseline: parseJson() }));
report("RecordIO + protobuf, UPDATE events/s", spread(rates.map((rate) => rate.ours)));
report("baseline: JSON.parse of the same, events/s", spread(rates.map((rate) => rate.baseline)));
report("ratio of the two", spread(rates.map((rate) => rate.ours / rate.baseline)));
