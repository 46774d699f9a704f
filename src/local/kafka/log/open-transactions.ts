/** A transaction that began in a partition. */
export interface Begun {
  readonly producerId: number;
  readonly firstOffset: number;
}

/**
 * The transactions that have written into one partition and have not ended there.
 *
 * Pure. Changes are staged while the database's transaction is open, and count for those behind them in it.
 */
export class OpenTransactions {
  /** First offsets by producer id. They begin one after the other, so the first entry is the lowest. */
  #published: ReadonlyMap<number, number>;
  #staged: Map<number, number> | undefined;

  constructor(begun: readonly Begun[]) {
    this.#published = new Map(begun.map(({ producerId, firstOffset }) => [producerId, firstOffset]));
  }

  /** Offset of the first record whose fate is open; undefined where all is settled. Of what is published. */
  get firstOffset(): number | undefined {
    const [first] = this.#published.values();
    return first;
  }

  /** The same with what is staged. */
  get stagedFirstOffset(): number | undefined {
    const [first] = (this.#staged ?? this.#published).values();
    return first;
  }

  /** Offset of the first record of a producer's transaction, with what is staged. */
  firstOffsetOf(producerId: number): number | undefined {
    return (this.#staged ?? this.#published).get(producerId);
  }

  stageBegin(producerId: number, firstOffset: number): void {
    this.#stage().set(producerId, firstOffset);
  }

  stageEnd(producerId: number): void {
    this.#stage().delete(producerId);
  }

  publish(): void {
    if (this.#staged !== undefined) this.#published = this.#staged;
    this.#staged = undefined;
  }

  discard(): void {
    this.#staged = undefined;
  }

  #stage(): Map<number, number> {
    this.#staged ??= new Map(this.#published);
    return this.#staged;
  }
}
