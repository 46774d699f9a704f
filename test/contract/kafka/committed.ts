import { grammars } from "./grammars.ts";
import { type BrokerAddress, connectRaw } from "./raw-client.ts";
import { type ReadBatch, readBatches } from "./record-batch.ts";
import { fetchRequest, partitionOf } from "./requests.ts";

interface Aborted {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** Batches that a reader of committed records hands on, of those that it fetched with these transactions aborted. */
export function visibleBatches(batches: readonly ReadBatch[], aborted: readonly Aborted[]): ReadBatch[] {
  const start = batches[0]?.baseOffset ?? 0;
  const leftOut = new Set<number>();
  for (const { producerId, firstOffset } of aborted) if (firstOffset < start) leftOut.add(producerId);
  return batches.filter((batch) => {
    for (const { producerId, firstOffset } of aborted) {
      if (firstOffset >= batch.baseOffset && firstOffset <= batch.lastOffset) leftOut.add(producerId);
    }
    if (batch.control === "abort") leftOut.delete(batch.producerId);
    return batch.control === undefined && !(batch.isTransactional && leftOut.has(batch.producerId));
  });
}

/** All committed values of a partition, up to its present end. Its records must be uncompressed. */
export async function committedValues(address: BrokerAddress, topic: string, partition = 0): Promise<string[]> {
  await using client = await connectRaw(address);
  const values: string[] = [];
  for (let offset = 0; ; ) {
    const request = fetchRequest(topic, offset, { maxWaitMs: 0, minBytes: 0, readCommitted: true, partition });
    const answer = partitionOf(await client.call(grammars.fetch, request, 12));
    if (answer["errorCode"] !== 0) throw new Error(`the broker answers ${String(answer["errorCode"])}`);
    const batches = readBatches(answer["records"] as Uint8Array);
    const last = batches.at(-1);
    if (last === undefined) return values;
    const visible = visibleBatches(batches, (answer["abortedTransactions"] as Aborted[] | null) ?? []);
    for (const batch of visible) values.push(...batch.values.slice(Math.max(0, offset - batch.baseOffset)));
    offset = last.lastOffset + 1;
  }
}
