import { grammars } from "./grammars.ts";
import type { RawClient } from "./raw-client.ts";
import { makeBatch } from "./record-batch.ts";
import { partitionOf, partitionsOf, produceRequest } from "./requests.ts";
import type { WireValue } from "./wire-grammar.ts";

const TRANSACTIONAL = 0x10;
const CONCURRENT_TRANSACTIONS = 51;
/** A fresh broker finds its coordinator, a busy one ends what was open: a client asks again at these errors. */
const ASK_AGAIN: readonly unknown[] = [14, 15, 16, CONCURRENT_TRANSACTIONS];
const WAIT_MS = 60_000;

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export const noProducer: ProducerIdentity = { producerId: -1, producerEpoch: -1 };

/** Asks until the answer is none of those at which clients ask again; the result is that answer. */
export async function settled(
  ask: () => Promise<WireValue>,
  errorOf: (answer: WireValue) => unknown = ({ errorCode }) => errorCode,
): Promise<WireValue> {
  const giveUpAt = performance.now() + WAIT_MS;
  for (;;) {
    const answer = await ask();
    if (!ASK_AGAIN.includes(errorOf(answer))) return answer;
    if (performance.now() > giveUpAt) throw new Error(`the coordinator still answers ${String(errorOf(answer))}`);
    await Bun.sleep(20);
  }
}

/** A transactional producer that sends exactly what a test wants, in the order that it wants. */
export class RawProducer {
  readonly transactionalId: string;
  readonly #client: RawClient;
  readonly #nextSequences = new Map<string, number>();
  readonly identity: ProducerIdentity;

  constructor(client: RawClient, transactionalId: string, identity: ProducerIdentity) {
    this.#client = client;
    this.transactionalId = transactionalId;
    this.identity = identity;
  }

  /** The same producer by another connection. */
  by(client: RawClient): RawProducer {
    const other = new RawProducer(client, this.transactionalId, this.identity);
    for (const [place, sequence] of this.#nextSequences) other.#nextSequences.set(place, sequence);
    return other;
  }

  /** The error of the first partition; 0 where they were added. */
  async add(topic: string, partitions: readonly number[] = [0], version?: number): Promise<unknown> {
    const request = { ...this.#named(), topics: [{ name: topic, partitions }] };
    const answer = await settled(
      () => this.#client.call(grammars.addPartitionsToTxn, request, version),
      (added) => partitionsOf(added)[0]?.["errorCode"],
    );
    return partitionsOf(answer)[0]?.["errorCode"];
  }

  /** Sends values as one batch, and counts them as sent when they are written. The answer is the partition's. */
  async write(topic: string, values: readonly string[], partition = 0, version?: number): Promise<WireValue> {
    const place = `${topic}/${partition}`;
    const baseSequence = this.#nextSequences.get(place) ?? 0;
    const answer = await this.send(topic, values, {
      partition,
      baseSequence,
      ...(version === undefined ? {} : { version }),
    });
    if (answer["errorCode"] === 0) this.#nextSequences.set(place, baseSequence + values.length);
    return answer;
  }

  /** Sends values as they are told. */
  async send(
    topic: string,
    values: readonly string[],
    options: {
      readonly partition?: number;
      readonly baseSequence?: number;
      readonly attributes?: number;
      readonly transactionalId?: string | null;
      readonly version?: number;
    } = {},
  ): Promise<WireValue> {
    const { partition = 0, baseSequence = 0, attributes = TRANSACTIONAL, version } = options;
    const nowMs = Date.now();
    const timestampsMs = values.map(() => nowMs);
    const batch = makeBatch({ values, timestampsMs, baseSequence, attributes, ...this.identity });
    const { transactionalId = this.transactionalId } = options;
    const request = { ...produceRequest(topic, batch, partition), transactionalId };
    return partitionOf(await this.#client.call(grammars.produce, request, version));
  }

  /** The error, 0 where the group was added. */
  async addGroup(groupId: string): Promise<unknown> {
    const request = { ...this.#named(), groupId };
    return (await settled(() => this.#client.call(grammars.addOffsetsToTxn, request)))["errorCode"];
  }

  /** The error of the partition. */
  async commitOffset(
    groupId: string,
    topic: string,
    offset: number,
    more: WireValue = {},
    version?: number,
  ): Promise<unknown> {
    const partitions = [{ index: 0, offset, leaderEpoch: -1, metadata: `at ${offset}` }];
    const request = {
      ...this.#named(),
      groupId,
      generationId: -1,
      memberId: "",
      topics: [{ name: topic, partitions }],
    };
    const answer = await settled(
      () => this.#client.call(grammars.txnOffsetCommit, { ...request, ...more }, version),
      (committed) => partitionOf(committed)["errorCode"],
    );
    return partitionOf(answer)["errorCode"];
  }

  /** The error; 0 where the transaction has ended so. */
  async end(committed: boolean, version?: number): Promise<unknown> {
    const request = { ...this.#named(), committed };
    return (await settled(() => this.#client.call(grammars.endTxn, request, version)))["errorCode"];
  }

  #named(): WireValue {
    return { transactionalId: this.transactionalId, ...this.identity };
  }
}

export interface InitOptions {
  readonly timeoutMs?: number;
  /** What the producer had before. */
  readonly claim?: ProducerIdentity;
}

export function initRequest(transactionalId: string, { timeoutMs = 60_000, claim = noProducer }: InitOptions = {}) {
  return { transactionalId, transactionTimeoutMs: timeoutMs, ...claim };
}

/** Takes a transactional id over, as a producer that starts does. */
export async function initProducer(
  client: RawClient,
  transactionalId: string,
  options: InitOptions = {},
): Promise<RawProducer> {
  const request = initRequest(transactionalId, options);
  const { errorCode, producerId, producerEpoch } = await settled(() => client.call(grammars.initProducerId, request));
  if (errorCode !== 0) throw new Error(`the transactional id was refused with ${String(errorCode)}`);
  const identity = { producerId: Number(producerId), producerEpoch: Number(producerEpoch) };
  return new RawProducer(client, transactionalId, identity);
}
