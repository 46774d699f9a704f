import type { Producer } from "kafkajs";
import { type Random, randomInt } from "../../src/base/random.ts";
import { INPUT, openProducer, PARTITIONS } from "./kafka-side.ts";
import type { Fate } from "./ledger.ts";

const KEYS = 40;
const TICK_MS = 100;

/** Sends records for as long as it is told to, and remembers which were acknowledged. */
export class Load {
  readonly #producer: Producer;
  readonly #random: Random;
  readonly #perTick: number;
  /** Ids that Kafka has acknowledged, and where it said that they are. */
  readonly acknowledged = new Map<number, { readonly partition: number; readonly offset: number }>();
  #next = 0;
  #going = true;
  #sending: Promise<void> = Promise.resolve();

  private constructor(producer: Producer, random: Random, perSecond: number) {
    this.#producer = producer;
    this.#random = random;
    this.#perTick = Math.max(1, Math.round((perSecond * TICK_MS) / 1000));
  }

  static async start(address: string, random: Random, perSecond: number): Promise<Load> {
    const load = new Load(await openProducer(address), random, perSecond);
    load.#sending = load.#run();
    load.#sending.catch(() => undefined); // until `stop` asks
    return load;
  }

  /** Sends no more, and waits until Kafka has acknowledged all. @returns how many were sent */
  async stop(): Promise<number> {
    this.#going = false;
    await this.#sending;
    await this.#producer.disconnect();
    return this.#next;
  }

  async #run(): Promise<void> {
    while (this.#going) {
      const first = this.#next;
      const messages = Array.from({ length: this.#perTick }, () => this.#message(this.#next++));
      const answers = await this.#producer.send({ topic: INPUT, acks: -1, messages });
      const offsets = new Map(answers.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
      for (const [index, { partition }] of messages.entries()) {
        const offset = offsets.get(partition);
        if (offset === undefined) throw new Error(`Kafka did not say where it wrote to partition ${partition}`);
        this.acknowledged.set(first + index, { partition, offset });
        offsets.set(partition, offset + 1);
      }
      await Bun.sleep(TICK_MS);
    }
  }

  #message(id: number): { key: string; partition: number; value: string } {
    const key = randomInt(this.#random, KEYS);
    const dice = this.#random.next();
    const fate: Fate = dice < 0.05 ? "fail" : dice < 0.15 ? "fail-once" : "succeed";
    return { key: `key-${key}`, partition: key % PARTITIONS, value: `${id} ${fate} ${this.#seconds()}\n` };
  }

  /** Most programs end at once, some run on over a restart of the scheduler. */
  #seconds(): string {
    const dice = this.#random.next();
    if (dice < 0.6) return "0";
    if (dice < 0.92) return (this.#random.next() * 0.4).toFixed(2);
    return (0.5 + this.#random.next() * 4).toFixed(1);
  }
}
