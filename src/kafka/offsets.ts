import { InvariantError } from "../base/errors.ts";
import type { AssignedPartition } from "../engine/ports.ts";
import type { TopicConnection } from "./connection.ts";
import { KafkaUnavailableError } from "./errors.ts";

const EARLIEST = -2;
const LATEST = -1;
/** The end of the log, and not of what is committed in it: that is how far a topic made anew is told from an old one. */
const READ_UNCOMMITTED = 0;

/** kafkajs hands 64-bit numbers over as decimal text. */
export function parseOffset(text: string): number {
  const offset = Number(text);
  if (!Number.isSafeInteger(offset)) throw new InvariantError(`Cannot use offset ${text}: it is no safe integer`);
  return offset;
}

/** First offset that exists and next one to be written, of each partition. */
export async function readLogBounds(
  connection: TopicConnection,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, { readonly logStartOffset: number; readonly logEndOffset: number }>> {
  const [starts, ends] = await Promise.all([
    listOffsets(connection, partitions, EARLIEST),
    listOffsets(connection, partitions, LATEST),
  ]);
  return new Map(
    partitions.map((partition) => [
      partition,
      { logStartOffset: known(starts, partition), logEndOffset: known(ends, partition) },
    ]),
  );
}

function known(offsets: ReadonlyMap<number, number>, partition: number): number {
  const offset = offsets.get(partition);
  if (offset === undefined) throw new KafkaUnavailableError(`Cannot read offsets of partition ${partition}: no answer`);
  return offset;
}

async function listOffsets(
  connection: TopicConnection,
  partitions: readonly number[],
  timestamp: number,
): Promise<ReadonlyMap<number, number>> {
  const leaders = connection.leaders();
  const byLeader = Map.groupBy(partitions, (partition) => leaders.get(partition));
  const found = new Map<number, number>();
  const requests = [...byLeader].map(async ([leader, ids]) => {
    if (leader === undefined) {
      throw new KafkaUnavailableError(`Cannot read offsets of partition ${ids.join(", ")}: it has no leader yet`);
    }
    const broker = await connection.broker(leader);
    const { responses } = await broker.listOffsets({
      isolationLevel: READ_UNCOMMITTED,
      topics: [{ topic: connection.topic, partitions: ids.map((partition) => ({ partition, timestamp })) }],
    });
    for (const { partition, offset } of responses.flatMap((each) => each.partitions)) {
      found.set(partition, parseOffset(offset));
    }
  });
  await Promise.all(requests);
  return found;
}

/** What the group has committed, where it has. */
export async function readCommitted(
  connection: TopicConnection,
  group: string,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, { readonly offset: number; readonly metadata: string }>> {
  const coordinator = await connection.coordinator(group);
  const { responses } = await coordinator.offsetFetch({
    groupId: group,
    topics: [{ topic: connection.topic, partitions: partitions.map((partition) => ({ partition })) }],
  });
  const committed = new Map<number, { offset: number; metadata: string }>();
  for (const { partition, offset, metadata } of responses.flatMap((each) => each.partitions)) {
    const position = parseOffset(offset);
    if (position >= 0) committed.set(partition, { offset: position, metadata: metadata ?? "" });
  }
  return committed;
}

/** Everything that decides where a partition is read from. */
export async function readPositions(
  connection: TopicConnection,
  group: string,
  partitions: readonly number[],
): Promise<readonly AssignedPartition[]> {
  if (partitions.length === 0) return [];
  const committed = await readCommitted(connection, group, partitions);
  const bounds = await readLogBounds(connection, partitions);
  return partitions.map((partition) => ({
    partition,
    committed: committed.get(partition) ?? null,
    logStartOffset: bounds.get(partition)?.logStartOffset ?? 0,
    logEndOffset: bounds.get(partition)?.logEndOffset ?? 0,
  }));
}
