import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { abortable } from "./abortable.ts";
import { KafkaClient, type KafkaClientOptions } from "./client.ts";
import { TopicConnection } from "./connection.ts";
import { asKafkaError, classifyFailure } from "./errors.ts";
import { readLogBounds } from "./offsets.ts";
import { PartitionReader, type ReadBatch } from "./reader.ts";

export interface TailOptions {
  readonly kafka: Omit<KafkaClientOptions, "log" | "requestTimeoutMs">;
  readonly topic: string;
  readonly from: "earliest" | "latest";
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Reads every partition that the topic has now, without a group: nothing is committed, and no trace remains.
 *
 * @param onStart reading begins behind what was in the topic by now (`latest`), or at its beginning
 * @returns when `signal` aborts
 * @throws {TopicRefusedError | KafkaRefusedError | KafkaUnavailableError}
 */
export async function tailTopic(
  { kafka, topic, from, clock, random, log, signal }: TailOptions,
  onBatch: (batch: ReadBatch) => void,
  onStart: () => void = () => undefined,
): Promise<void> {
  const client = new KafkaClient({ ...kafka, log });
  const connection = new TopicConnection(client, topic, clock);
  try {
    await abortable(connection.open(), signal);
    const partitions = connection.partitions();
    const positions = new Map<number, number>();
    while (!signal.aborted) {
      const bounds = await abortable(readLogBounds(connection, partitions), signal);
      const reader = new PartitionReader(
        connection,
        partitions,
        {
          received: (batch) => {
            positions.set(batch.partition, batch.nextOffset);
            onBatch(batch);
          },
          interrupted: (error) => log.warn("reading interrupted", { error: describeError(error) }),
        },
        { clock, random },
      );
      for (const [partition, { logStartOffset, logEndOffset }] of bounds) {
        const start = positions.get(partition) ?? (from === "earliest" ? logStartOffset : logEndOffset);
        // Retention, or a topic made anew, may have left a position outside of the log.
        const position = Math.min(Math.max(start, logStartOffset), logEndOffset);
        positions.set(partition, position);
        reader.seek(partition, position);
      }
      reader.resume(partitions);
      onStart();
      await readWithin(reader, signal);
    }
  } catch (error) {
    if (signal.aborted) return;
    throw asKafkaError(`read topic "${topic}"`, error);
  } finally {
    client.close();
  }
}

/** Returns when a position has fallen out of the log, or at the end. */
async function readWithin(reader: PartitionReader, signal: AbortSignal): Promise<void> {
  try {
    await reader.run(signal);
  } catch (error) {
    if (classifyFailure(error) !== "out-of-range") throw error;
  }
}
