import type { Offer, Resource } from "../mesos/types.ts";

/**
 * Amounts in thousandths, always integers: Mesos gives scalars three decimals and computes in thousandths itself, and
 * 0.1 + 0.2 cpus must fit where 0.3 are free. `mem` counts thousandths of a MB.
 */
export interface Quantities {
  readonly cpus: number;
  readonly mem: number;
}

export type QuantityName = keyof Quantities;

export const quantityNames: readonly QuantityName[] = ["cpus", "mem"];

export const nothing: Quantities = { cpus: 0, mem: 0 };

/** Rounds as the master does, `round(1000 × value)`. */
export function toThousandths(value: number): number {
  return Math.round(value * 1000);
}

export function fromThousandths(thousandths: number): number {
  return thousandths / 1000;
}

export function quantities(amounts: { readonly cpus: number; readonly memMb: number }): Quantities {
  return { cpus: toThousandths(amounts.cpus), mem: toThousandths(amounts.memMb) };
}

export function plus(a: Quantities, b: Quantities): Quantities {
  return { cpus: a.cpus + b.cpus, mem: a.mem + b.mem };
}

export function minus(a: Quantities, b: Quantities): Quantities {
  return { cpus: a.cpus - b.cpus, mem: a.mem - b.mem };
}

/** Equal fits. */
export function fits(asked: Quantities, free: Quantities): boolean {
  return asked.cpus <= free.cpus && asked.mem <= free.mem;
}

/**
 * Which amount a resource of an offer is, or undefined where it is none that ordinary tasks may spend: another name,
 * not a scalar, revocable (the agent may take it back), shared, or tied to a volume.
 */
export function quantityName(resource: Resource): QuantityName | undefined {
  if (resource.type !== "SCALAR" || resource.scalar === undefined) return undefined;
  if (resource.revocable !== undefined || resource.shared !== undefined || resource.disk !== undefined)
    return undefined;
  return quantityNames.find((name) => name === resource.name);
}

/** All that the offers hold, reserved and unreserved entries of one name added up. */
export function offered(offers: Iterable<Pick<Offer, "resources">>): Quantities {
  const sum = { cpus: 0, mem: 0 };
  for (const offer of offers) {
    for (const resource of offer.resources ?? []) {
      const name = quantityName(resource);
      if (name !== undefined) sum[name] += toThousandths(resource.scalar?.value ?? 0);
    }
  }
  return sum;
}
