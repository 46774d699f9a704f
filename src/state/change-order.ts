/** Changes of a key happen one after another, in the order asked for; those of different keys beside each other. */
export class ChangeOrder {
  /** Of each key that is being changed, the end of its last change. */
  readonly #last = new Map<string, Promise<void>>();

  run(key: string, change: () => Promise<void>): Promise<void> {
    const before = this.#last.get(key) ?? Promise.resolve();
    // An earlier change that failed was reported; this one stands on its own.
    const done = before.then(change, change);
    this.#last.set(key, done);
    const forget = (): void => {
      if (this.#last.get(key) === done) this.#last.delete(key);
    };
    done.then(forget, forget);
    return done;
  }

  /** Resolves when no change is under way. One that fails is reported to who asked for it. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
