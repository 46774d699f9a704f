import { decodeBatchHeader } from "../../../src/kafka/records/record-batch.ts";
import { scanBatches } from "../../../src/kafka/records/scan.ts";
import { initProducerId } from "../../../src/local/kafka/messages/init-producer-id.ts";
import { metadata } from "../../../src/local/kafka/messages/metadata.ts";
import { produce } from "../../../src/local/kafka/messages/produce.ts";
import type { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";
import type { TcpServer } from "../../support/tcp-server.ts";
import { startAnsweringBroker } from "./answering-broker.ts";

/** A batch as it came. */
export interface ProducedBatch {
  readonly partition: number;
  readonly values: readonly string[];
  readonly producerId: number;
  readonly baseSequence: number;
}

/** What becomes of each partition of a request, in its order; undefined leaves it out of the answer. */
export type ProduceScript = (batches: readonly ProducedBatch[]) => readonly (ErrorCode | undefined)[];

const NONE = 0;
const SERVED = [
  { ...metadata, maxVersion: 5 },
  { ...initProducerId, maxVersion: 1 },
  { ...produce, maxVersion: 7 },
];

/** A broker that leads every partition of every topic, and answers producers as the test says. */
export function startScriptedBroker(partitions: number, script: ProduceScript): Promise<TcpServer> {
  let producers = 0;
  return startAnsweringBroker(SERVED, ({ apiKey, version, reader }, writer, at) => {
    switch (apiKey) {
      case metadata.apiKey: {
        const names = metadata.decodeRequest(reader, version).topics ?? [];
        const leads = Array.from({ length: partitions }, (_, index) => ({ index, leaderId: 1, leaderEpoch: 0 }));
        const topics = names.map((named) => ({ ...named, errorCode: NONE, partitions: leads }) as const);
        const brokers = [{ nodeId: 1, ...at }];
        metadata.encodeResponse(writer, { brokers, clusterId: "scripted", controllerId: 1, topics }, version);
        break;
      }
      case initProducerId.apiKey:
        initProducerId.encodeResponse(writer, { errorCode: NONE, producerId: ++producers, producerEpoch: 0 }, version);
        break;
      case produce.apiKey: {
        const [topic] = produce.decodeRequest(reader, version).topics;
        const batches = (topic?.partitions ?? []).map(({ index, records }) => batchOf(index, records!));
        const errorCodes = script(batches);
        const results = batches.flatMap(({ partition }, at) => {
          const errorCode = errorCodes[at];
          const rest = { baseOffset: 0, logAppendTimeMs: -1, logStartOffset: 0, errorMessage: null };
          return errorCode === undefined ? [] : [{ index: partition, errorCode, ...rest }];
        });
        produce.encodeResponse(writer, { topics: [{ name: topic!.name, partitions: results }] }, version);
        break;
      }
      default:
        throw new Error(`request ${apiKey} is not expected`);
    }
  });
}

function batchOf(partition: number, bytes: Uint8Array): ProducedBatch {
  const { producerId, baseSequence } = decodeBatchHeader(bytes);
  const values = scanBatches(bytes).batches.flatMap((batch) => {
    const reader = batch.open();
    return Array.from({ length: reader.remaining }, () => Buffer.from(reader.read(0)?.value ?? []).toString());
  });
  return { partition, values, producerId, baseSequence };
}
