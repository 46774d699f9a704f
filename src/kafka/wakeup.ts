/** Wakes one loop. What wakes it while it does not wait is not lost; several times are as good as one. */
export class Wakeup {
  #pending = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#pending = true;
    this.#resolve?.();
  }

  /** Resolves at the next {@link wake}, or at once where there was one since the last wait. */
  async wait(): Promise<void> {
    if (!this.#pending) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolve = resolve;
      await promise;
      this.#resolve = undefined;
    }
    this.#pending = false;
  }
}
