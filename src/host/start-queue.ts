/**
 * Starts programs one by one, each in a turn of the event loop of its own: a spawn blocks for up to half a millisecond,
 * and a burst of launches must not keep the agent's other events and the output of running programs waiting.
 */
export class StartQueue<Key, Item> {
  readonly #start: (key: Key, item: Item) => void;
  readonly #waiting = new Map<Key, Item>();
  #turn: NodeJS.Immediate | undefined;

  constructor(start: (key: Key, item: Item) => void) {
    this.#start = start;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  add(key: Key, item: Item): void {
    this.#waiting.set(key, item);
    if (this.#turn === undefined) this.#turn = setImmediate(() => this.#startNext());
  }

  /** @returns the item, where it was not started yet and now never will be */
  remove(key: Key): Item | undefined {
    const item = this.#waiting.get(key);
    this.#waiting.delete(key);
    return item;
  }

  clear(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#waiting.clear();
  }

  #startNext(): void {
    this.#turn = undefined;
    const [next] = this.#waiting;
    if (next === undefined) return;
    const [key, item] = next;
    this.#waiting.delete(key);
    if (this.#waiting.size > 0) this.#turn = setImmediate(() => this.#startNext());
    this.#start(key, item);
  }
}
