import { type Random, randomInt } from "../../../src/base/random.ts";
import { grammars } from "../../contract/kafka/grammars.ts";
import { connectRaw, type RawClient } from "../../contract/kafka/raw-client.ts";
import { makeBatch } from "../../contract/kafka/record-batch.ts";
import { listOffsetsRequest, partitionOf, produceRequest } from "../../contract/kafka/requests.ts";
import type { WireValue } from "../../contract/kafka/wire-grammar.ts";
import type { AcknowledgedBatch } from "./judge-log.ts";
import type { Life, MortalBroker } from "./mortal-broker.ts";
import { valueOf } from "./record-value.ts";

/** As many as Kafka remembers of a producer, and as its own client sends at the most. */
const IN_FLIGHT = 5;
const MOST_RECORDS = 100;

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

interface Batch {
  readonly first: number;
  readonly count: number;
  readonly bytes: Buffer;
}

export interface WriterOptions {
  readonly broker: MortalBroker;
  readonly topic: string;
  readonly identity: ProducerIdentity;
  /** Decides how many records each batch has. */
  readonly random: Random;
}

/**
 * An idempotent producer's part for one partition, as Kafka's own client does it: five batches on their way, and what has
 * no answer when the broker dies is sent to its next life in the same order, with the same sequence numbers.
 */
export class IdempotentWriter {
  readonly #options: WriterOptions;
  readonly #acknowledged: AcknowledgedBatch[] = [];
  readonly #unanswered: Batch[] = [];
  #next = 0;
  #stopping = false;
  #sentAgain = 0;
  #alreadyWritten = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** In the order in which they were sent. */
  get acknowledged(): readonly AcknowledgedBatch[] {
    return this.#acknowledged;
  }

  /** Batches that were sent more than once. */
  get sentAgain(): number {
    return this.#sentAgain;
  }

  /** Of those, the ones that the broker had written before it died: it must not write them a second time. */
  get alreadyWritten(): number {
    return this.#alreadyWritten;
  }

  /** Makes no more batches; {@link run} resolves when the last one is acknowledged. */
  stop(): void {
    this.#stopping = true;
  }

  /** @throws where the broker refuses a batch, or hangs up while nobody killed it */
  async run(): Promise<void> {
    for (;;) {
      const life = await this.#options.broker.life();
      try {
        await this.#write(life);
        return;
      } catch (error) {
        if (error instanceof RefusedError || !life.over) throw error;
      }
    }
  }

  async #write({ port }: Life): Promise<void> {
    await using client = await connectRaw({ host: "127.0.0.1", port });
    const end = this.#unanswered.length === 0 ? 0 : await this.#endOffset(client);
    this.#sentAgain += this.#unanswered.length;
    this.#alreadyWritten += this.#unanswered.filter(({ first }) => first < end).length;
    const answers = this.#unanswered.map((batch) => this.#send(client, batch));
    for (;;) {
      while (answers.length < IN_FLIGHT && !this.#stopping) answers.push(this.#send(client, this.#take()));
      const answer = answers.shift();
      if (answer === undefined) return;
      this.#settle(await answer);
    }
  }

  #take(): Batch {
    const first = this.#next;
    const count = 1 + randomInt(this.#options.random, MOST_RECORDS);
    const values = Array.from({ length: count }, (_, index) => valueOf(first + index));
    const bytes = makeBatch({ values, baseSequence: first, ...this.#options.identity });
    const batch = { first, count, bytes };
    this.#next += count;
    this.#unanswered.push(batch);
    return batch;
  }

  #send(client: RawClient, { bytes }: Batch): Promise<WireValue> {
    const answer = client.call(grammars.produce, produceRequest(this.#options.topic, bytes));
    // One failure tells of all that were on their way; the others must not count as unhandled.
    answer.catch(() => undefined);
    return answer;
  }

  #settle(answer: WireValue): void {
    const { errorCode, baseOffset } = partitionOf(answer);
    const batch = this.#unanswered.shift();
    if (batch === undefined) throw new RefusedError("an answer came to a batch that was not sent");
    const { first, count } = batch;
    if (errorCode !== 0) {
      throw new RefusedError(`batch ${first} of ${this.#options.topic} was refused with ${String(errorCode)}`);
    }
    this.#acknowledged.push({ first, count, offset: Number(baseOffset) });
  }

  async #endOffset(client: RawClient): Promise<number> {
    const answer = await client.call(grammars.listOffsets, listOffsetsRequest(this.#options.topic, -1));
    return Number(partitionOf(answer)["offset"]);
  }
}

/** The broker said something that no death of its own excuses. */
class RefusedError extends Error {
  override readonly name = "RefusedError";
}
