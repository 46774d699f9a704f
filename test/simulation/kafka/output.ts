import type { Output, OutputRecord } from "../../../src/engine/ports.ts";
import { RequestLine } from "../network.ts";
import type { ProcessContext } from "../process-context.ts";
import { type Broker, identify } from "./broker.ts";

const RETRY_MS = 200;

/**
 * The adapter of src/kafka/output.ts as the engine sees it: an idempotent producer, which repeats what is not answered
 * without writing it twice, and which now and then gives up without knowing.
 */
export class SimulatedOutput implements Output {
  readonly #context: ProcessContext;
  readonly #broker: Broker;
  #line: RequestLine;

  constructor(context: ProcessContext, broker: Broker) {
    this.#context = context;
    this.#broker = broker;
    this.#line = this.#newLine();
  }

  async start(): Promise<void> {}

  send(records: readonly OutputRecord[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { name, life, observe } = this.#context;
    for (const record of records) {
      const { key, as } = identify(record);
      if (life.alive) observe({ type: "output-sent", scheduler: name, record: key, as, topic: record.topic });
    }
    this.#try({ records, written: undefined }, resolve, reject);
    return promise;
  }

  async close(): Promise<void> {}

  cut(): void {
    const line = this.#line;
    this.#line = this.#newLine();
    line.cut();
  }

  #try(
    batch: { readonly records: readonly OutputRecord[]; written: ReturnType<Broker["produce"]> | undefined },
    resolve: () => void,
    reject: (error: Error) => void,
  ): void {
    const { faults, life, machines, name, observe } = this.#context;
    const again = (): void => {
      life.clock.schedule(RETRY_MS, () => this.#try(batch, resolve, reject));
    };
    const unclear = faults.strike("produce-unclear");
    const answerLost = faults.strike("produce-answer-lost");
    const line = this.#line;
    this.#context.effect(() =>
      line.request<ReturnType<Broker["produce"]>>(
        (answer) => {
          // The broker knows the batch by its sequence number.
          batch.written ??= this.#broker.produce(name, batch.records);
          answer(batch.written);
        },
        {
          answered: (answer) => {
            if (unclear) {
              for (const record of batch.records) observe({ type: "output-unclear", record: identify(record).key });
              return reject(new Error("gave up without an answer"));
            }
            if (answerLost) return again();
            if (answer === "ok") return resolve();
            if (answer === "record-refused") return reject(new machines.RecordRefusedError("the record is too large"));
            return reject(new machines.TopicRefusedError("out", "the topic is not to be written"));
          },
          lost: again,
        },
      ),
    );
  }

  #newLine(): RequestLine {
    const { time, random, life } = this.#context;
    return new RequestLine(time, random, life);
  }
}
