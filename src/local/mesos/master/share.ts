import type { Resources } from "../resources.ts";

/** A running sum of scalars by name, in thousandths: cheap to keep for many tasks. */
export class Share {
  readonly #sums = new Map<string, number>();

  add(resources: Resources): void {
    for (const [name, amount] of resources.scalars()) this.#sums.set(name, (this.#sums.get(name) ?? 0) + amount);
  }

  subtract(resources: Resources): void {
    for (const [name, amount] of resources.scalars()) this.#sums.set(name, (this.#sums.get(name) ?? 0) - amount);
  }

  /** The largest part of `total` that this sum has of any resource, 0 to 1. */
  dominant(total: Share): number {
    let largest = 0;
    for (const [name, amount] of this.#sums) {
      const whole = total.#sums.get(name) ?? 0;
      if (whole > 0) largest = Math.max(largest, amount / whole);
    }
    return largest;
  }
}
