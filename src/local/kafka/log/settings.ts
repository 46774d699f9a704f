import type { Statement } from "bun:sqlite";
import type { BrokerDatabase } from "./database.ts";

/** Producer ids are taken from the database in blocks, as a real broker takes them from its controller. */
const PRODUCER_ID_BLOCK = 1000;

/** Small durable values of the whole broker. */
export class BrokerSettings {
  readonly #select: Statement<{ value: unknown }>;
  readonly #replace: Statement;
  #nextProducerId = 0;
  #producerIdsEnd = 0;

  constructor(database: BrokerDatabase) {
    this.#select = database.prepare("SELECT value FROM settings WHERE name = ?1");
    this.#replace = database.prepare("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)");
  }

  /** The stored cluster id; `makeId` provides it at the first start. */
  clusterId(makeId: () => string): string {
    const stored = this.#read("cluster.id");
    if (typeof stored === "string") return stored;
    const made = makeId();
    this.#write("cluster.id", made);
    return made;
  }

  /** A producer id that was never given out before, over restarts too. */
  takeProducerId(): number {
    if (this.#nextProducerId === this.#producerIdsEnd) {
      this.#nextProducerId = Number(this.#read("producer.id.next") ?? 0);
      this.#producerIdsEnd = this.#nextProducerId + PRODUCER_ID_BLOCK;
      this.#write("producer.id.next", this.#producerIdsEnd);
    }
    return this.#nextProducerId++;
  }

  /** What was stored last may have been rolled back: the next id comes out of a block of its own. */
  discardProducerIds(): void {
    this.#nextProducerId = this.#producerIdsEnd;
  }

  #read(name: string): unknown {
    return this.#select.get(name)?.value;
  }

  #write(name: string, value: string | number): void {
    this.#replace.run(name, value);
  }
}
