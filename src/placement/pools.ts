import { invariant } from "../base/errors.ts";
import type { Offer, Resource } from "../mesos/types.ts";
import {
  fromThousandths,
  type Quantities,
  type QuantityName,
  quantityName,
  quantityNames,
  toThousandths,
} from "./quantities.ts";

/** What is left of all offered resources that differ in nothing but their value. */
interface Pool {
  readonly name: QuantityName;
  readonly like: Resource;
  left: number;
}

/**
 * The resources of one agent's offers, to be spent piece by piece.
 *
 * To Mesos reserved and unreserved resources of one name are different things: whoever spends reserved ones has to name
 * the reservation. So what is taken are copies of the offered entries with another value, reserved ones first, since
 * only our role can use them.
 */
export class ResourcePools {
  readonly #pools: readonly Pool[];

  constructor(offers: Iterable<Pick<Offer, "resources">>) {
    const pools = new Map<string, Pool>();
    for (const offer of offers) {
      for (const like of offer.resources ?? []) {
        const name = quantityName(like);
        if (name === undefined) continue;
        const identity = JSON.stringify([name, like.role, like.reservations, like.allocationInfo]);
        const value = toThousandths(like.scalar?.value ?? 0);
        const pool = pools.get(identity);
        if (pool === undefined) pools.set(identity, { name, like, left: value });
        else pool.left += value;
      }
    }
    this.#pools = [...pools.values()].sort((a, b) => Number(isReserved(b.like)) - Number(isReserved(a.like)));
  }

  /**
   * Spends `amount` and gives it in Mesos' form. Mesos refuses a task without resources, so that an empty amount is
   * written as 0 cpus, which is allowed and costs nothing.
   *
   * @throws {InvariantError} when more is taken than is left
   */
  take(amount: Quantities): readonly Resource[] {
    const taken: Resource[] = [];
    for (const name of quantityNames) {
      let missing = amount[name];
      for (const pool of this.#pools) {
        if (missing === 0) break;
        const part = pool.name === name ? Math.min(missing, pool.left) : 0;
        if (part === 0) continue;
        pool.left -= part;
        missing -= part;
        taken.push({ ...pool.like, scalar: { value: fromThousandths(part) } });
      }
      invariant(missing === 0, `Cannot take ${amount[name]} thousandths of ${name}: ${missing} more than offered`);
    }
    return taken.length > 0 ? taken : [{ name: "cpus", type: "SCALAR", scalar: { value: 0 } }];
  }
}

function isReserved(resource: Resource): boolean {
  return (resource.reservations?.length ?? 0) > 0;
}
