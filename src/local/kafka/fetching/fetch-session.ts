import type {
  FetchPartition,
  FetchPartitionResult,
  FetchTopic,
  FetchTopicName,
  FetchTopicResult,
  ForgottenTopic,
} from "../messages/fetch.ts";
import { ErrorCode } from "../protocol/error-codes.ts";

const LARGEST_EPOCH = 0x7fff_ffff;

/** A partition of a session, and what its client was told of it last. */
interface Entry {
  readonly topic: FetchTopicName;
  readonly wanted: FetchPartition;
  /** −1: tell it anew. */
  highWatermark: number;
  logStartOffset: number;
}

/**
 * What one client wants to fetch, kept here so that a request names only what changed, and an answer only what is new
 * (KIP-227).
 *
 * Pure. The partitions are read in turn: those that had records go to the end.
 */
export class FetchSession {
  readonly id: number;
  readonly usesTopicIds: boolean;
  readonly #entries = new Map<string, Entry>();
  #nextEpoch = 1;

  constructor(id: number, topics: readonly FetchTopic[]) {
    this.id = id;
    this.usesTopicIds = topics.some(({ topicId }) => topicId !== "");
    this.#want(topics);
  }

  /** Whether nothing is wanted any more. */
  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /**
   * Takes over what a request changes, or says why it is not the session's next one.
   *
   * @param usesTopicIds whether the request's version names topics by their ids, be it that it names none
   */
  update(
    epoch: number,
    usesTopicIds: boolean,
    topics: readonly FetchTopic[],
    forgotten: readonly ForgottenTopic[],
  ): ErrorCode {
    if (epoch !== this.#nextEpoch) return ErrorCode.INVALID_FETCH_SESSION_EPOCH;
    if (usesTopicIds !== this.usesTopicIds) return ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR;
    this.#nextEpoch = epoch === LARGEST_EPOCH ? 1 : epoch + 1;
    for (const { partitions, ...topic } of forgotten) {
      for (const index of partitions) this.#entries.delete(keyOf(topic, index));
    }
    this.#want(topics);
    return ErrorCode.NONE;
  }

  /** All that the session wants now. */
  wanted(): FetchTopic[] {
    return grouped(this.#entries.values(), ({ topic, wanted }) => ({ topic, partition: wanted }));
  }

  /** The part of an answer that is news to the client: records, errors, and offsets that moved. */
  news(results: readonly FetchTopicResult[]): FetchTopicResult[] {
    const news: { readonly topic: FetchTopicName; readonly partition: FetchPartitionResult }[] = [];
    for (const { partitions, ...topic } of results) {
      for (const partition of partitions) if (this.#isNews(topic, partition)) news.push({ topic, partition });
    }
    return grouped(news, (item) => item);
  }

  #isNews(topic: FetchTopicName, result: FetchPartitionResult): boolean {
    const key = keyOf(topic, result.index);
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    const hasError = result.errorCode !== ErrorCode.NONE;
    const hasRecords = result.batches.length > 0;
    const { highWatermark, logStartOffset } = result;
    const moved = entry.highWatermark !== highWatermark || entry.logStartOffset !== logStartOffset;
    entry.highWatermark = hasError ? -1 : highWatermark;
    entry.logStartOffset = logStartOffset;
    if (hasRecords) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return hasRecords || hasError || moved;
  }

  #want(topics: readonly FetchTopic[]): void {
    for (const { partitions, ...topic } of topics) {
      for (const wanted of partitions) {
        const key = keyOf(topic, wanted.index);
        const before = this.#entries.get(key);
        const { highWatermark = -1, logStartOffset = -1 } = before ?? {};
        this.#entries.set(key, { topic, wanted, highWatermark, logStartOffset });
      }
    }
  }
}

function keyOf({ name, topicId }: FetchTopicName, index: number): string {
  return `${name}${topicId}/${index}`;
}

/** Partitions in their order, those of one topic that follow each other under it. */
function grouped<Item, Partition>(
  all: Iterable<Item>,
  take: (item: Item) => { readonly topic: FetchTopicName; readonly partition: Partition },
): (FetchTopicName & { partitions: Partition[] })[] {
  const topics: (FetchTopicName & { partitions: Partition[] })[] = [];
  for (const item of all) {
    const { topic, partition } = take(item);
    const last = topics.at(-1);
    if (last !== undefined && last.name === topic.name && last.topicId === topic.topicId)
      last.partitions.push(partition);
    else topics.push({ ...topic, partitions: [partition] });
  }
  return topics;
}
