import type { ExecutorInfo, Resource, ResourceLimits, TaskInfo, ValueRange } from "../../mesos/types.ts";
import { normalize, rangesContain, subtractRanges } from "./ranges.ts";
import { roleProblem } from "./roles.ts";

/*
 * Arithmetic of resources as a master does it (docs of Mesos call it `Resources`). Scalars are integers of thousandths,
 * never binary fractions. Two resources merge only where all but their amount and `allocation_info` is equal.
 */

type Amount =
  | { readonly type: "SCALAR"; readonly thousandths: number }
  | { readonly type: "RANGES"; readonly ranges: readonly ValueRange[] }
  | { readonly type: "SET"; readonly items: readonly string[] };

interface Entry {
  /** The resource without its amount, role of allocation and default role. */
  readonly identity: Resource;
  readonly amount: Amount;
}

/** How resources are written for one framework: {@link Resources.toList}. */
export interface ResourceForm {
  /** `allocation_info.role`; null leaves it out, as for frameworks without MULTI_ROLE and for totals. */
  readonly allocationRole: string | null;
  /** Adds `"role":"*"`, which frameworks without RESERVATION_REFINEMENT get. */
  readonly legacyRole: boolean;
}

/** An immutable collection of resources; empty amounts vanish from it. */
export class Resources {
  static readonly none: Resources = new Resources(new Map());

  readonly #entries: ReadonlyMap<string, Entry>;

  private constructor(entries: ReadonlyMap<string, Entry>) {
    this.#entries = entries;
  }

  /** The sum of `list`, which must have passed {@link resourceProblem}. */
  static of(list: readonly Resource[] = []): Resources {
    const entries = new Map<string, Entry>();
    for (const resource of list) {
      const amount = amountOf(resource);
      if (isNothing(amount)) continue;
      const identity = identityOf(resource);
      const key = keyOf(identity);
      const known = entries.get(key);
      entries.set(key, { identity, amount: known === undefined ? amount : add(known.amount, amount) });
    }
    return entries.size === 0 ? Resources.none : new Resources(entries);
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  plus(other: Resources): Resources {
    if (other.isEmpty) return this;
    if (this.isEmpty) return other;
    const entries = new Map(this.#entries);
    for (const [key, entry] of other.#entries) {
      const known = entries.get(key);
      entries.set(key, known === undefined ? entry : { ...known, amount: add(known.amount, entry.amount) });
    }
    return new Resources(entries);
  }

  /** What is left; amounts of `other` that are not here count as nothing. */
  minus(other: Resources): Resources {
    if (other.isEmpty || this.isEmpty) return this;
    const entries = new Map(this.#entries);
    for (const [key, { amount }] of other.#entries) {
      const known = entries.get(key);
      if (known === undefined) continue;
      const rest = subtract(known.amount, amount);
      if (isNothing(rest)) entries.delete(key);
      else entries.set(key, { ...known, amount: rest });
    }
    return new Resources(entries);
  }

  contains(other: Resources): boolean {
    for (const [key, { amount }] of other.#entries) {
      const known = this.#entries.get(key);
      if (known === undefined || !covers(known.amount, amount)) return false;
    }
    return true;
  }

  equals(other: Resources): boolean {
    return this.contains(other) && other.contains(this);
  }

  /** Whether a range or set of one has an element of the other's. Scalars are amounts and never overlap. */
  overlaps(other: Resources): boolean {
    for (const [key, { amount }] of other.#entries) {
      const known = this.#entries.get(key);
      if (known === undefined || amount.type === "SCALAR") continue;
      const rest = subtract(known.amount, amount);
      if (!covers(rest, known.amount)) return true;
    }
    return false;
  }

  /** Scalars by name, in thousandths; those of several identities are summed. */
  scalars(): Map<string, number> {
    const result = new Map<string, number>();
    for (const { identity, amount } of this.#entries.values()) {
      if (amount.type !== "SCALAR") continue;
      result.set(identity.name, (result.get(identity.name) ?? 0) + amount.thousandths);
    }
    return result;
  }

  toList({ allocationRole, legacyRole }: ResourceForm): Resource[] {
    return this.#inOrder().map(({ identity, amount }) => ({
      ...identity,
      ...valueOf(amount),
      ...(legacyRole && identity.reservations === undefined ? { role: "*" } : {}),
      ...(allocationRole === null ? {} : { allocationInfo: { role: allocationRole } }),
    }));
  }

  /** As Mesos offers them: ranges and sets, then scalars, the well-known ones first. */
  #inOrder(): readonly Entry[] {
    return [...this.#entries.values()].sort((a, b) => rank(a) - rank(b));
  }

  /** Mesos' printed form: `cpus(allocated: *):2; ports(allocated: *):[31000-31001]`, `{}` for nothing. */
  print(allocationRole: string | null): string {
    if (this.isEmpty) return "{}";
    const role = allocationRole === null ? "" : `(allocated: ${allocationRole})`;
    return this.#inOrder()
      .map(({ identity, amount }) => `${identity.name}${role}:${printAmount(amount)}`)
      .join("; ");
  }
}

const scalarRanks: Readonly<Record<string, number>> = { cpus: 1, gpus: 2, mem: 3, disk: 4 };

function rank({ identity, amount }: Entry): number {
  return amount.type === "SCALAR" ? (scalarRanks[identity.name] ?? 5) : 0;
}

/** The sum of what an executor and its tasks are allowed. */
export function containerResources(executor: ExecutorInfo, tasks: readonly TaskInfo[]): readonly Resource[] {
  const all = [executor, ...tasks].flatMap(({ resources = [] }) => resources);
  return Resources.of(all).toList({ allocationRole: null, legacyRole: false });
}

/**
 * Up to where an executor's container may go beyond that. What has no limit of its own counts with what it asks for; a
 * resource without any task's limit has none.
 */
export function containerLimits(executor: ExecutorInfo, tasks: readonly TaskInfo[]): ResourceLimits {
  const asked = (resources: readonly Resource[] = [], name: string): number =>
    resources.reduce((sum, each) => sum + (each.name === name ? (each.scalar?.value ?? 0) : 0), 0);
  const limited = ["cpus", "mem"].filter((name) => tasks.some(({ limits }) => limits?.[name] !== undefined));
  const limitOf = (name: string): number =>
    tasks.reduce(
      (sum, { limits, resources }) => sum + (limits?.[name]?.value ?? asked(resources, name)),
      asked(executor.resources, name),
    );
  return Object.fromEntries(limited.map((name) => [name, { value: limitOf(name) }]));
}

/**
 * What is wrong with a resource as such, in Mesos' words.
 *
 * A scalar of exactly 0 is valid; one that only rounds to 0 is not.
 */
export function resourceProblem(resource: Resource): string | undefined {
  const problem = valueProblem(resource) ?? attachmentProblem(resource);
  return problem === undefined ? undefined : `Resource '${printGiven(resource)}' is invalid: ${problem}`;
}

/** As it was given, whatever is wrong with it; scalars in the thousandths that count. */
function printGiven({ name, type, allocationInfo, scalar, ranges, set }: Resource): string {
  const role = allocationInfo?.role === undefined ? "" : `(allocated: ${allocationInfo.role})`;
  const list = ranges?.range.map(({ begin, end }) => `${begin}-${end}`).join(", ");
  const value = {
    SCALAR: toThousandths(scalar?.value ?? 0) / 1000,
    RANGES: `[${list ?? ""}]`,
    SET: `{${set?.item.join(", ") ?? ""}}`,
    TEXT: "",
  };
  return `${name}${role}:${value[type]}`;
}

function attachmentProblem({ name, disk, role, reservations = [] }: Resource): string | undefined {
  if (disk !== undefined && name !== "disk") return `DiskInfo should not be set for ${name} resource`;
  const problem = role === undefined ? undefined : roleProblem(role);
  if (problem !== undefined) return problem;
  for (const { role: reservedFor } of reservations) {
    if (reservedFor === undefined) continue;
    if (reservedFor === "*") return 'Invalid reservation: role "*" cannot be reserved';
    const wrong = roleProblem(reservedFor);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function valueProblem(resource: Resource): string | undefined {
  const { name, type } = resource;
  if (name === "") return "Empty resource name";
  if (type === "SCALAR") {
    const value = resource.scalar?.value;
    if (value === undefined || resource.ranges !== undefined || resource.set !== undefined) {
      return "Invalid scalar resource";
    }
    const valid = Number.isFinite(value) && (value === 0 || toThousandths(value) > 0);
    return valid ? undefined : "Invalid scalar resource: value <= 0";
  }
  if (type === "RANGES") {
    if (resource.ranges === undefined || resource.scalar !== undefined || resource.set !== undefined) {
      return "Invalid ranges resource";
    }
    return rangesProblem(resource.ranges.range);
  }
  if (type === "SET") {
    if (resource.set === undefined || resource.scalar !== undefined || resource.ranges !== undefined) {
      return "Invalid set resource";
    }
    const { item } = resource.set;
    return new Set(item).size === item.length ? undefined : "Invalid set resource: duplicated elements";
  }
  return "Unsupported resource type";
}

function rangesProblem(ranges: readonly ValueRange[]): string | undefined {
  if (ranges.some(({ begin, end }) => begin > end)) return "Invalid ranges resource: begin > end";
  const sorted = ranges.toSorted((a, b) => a.begin - b.begin);
  const overlap = sorted.some((range, i) => i > 0 && range.begin <= (sorted[i - 1]?.end ?? -1));
  return overlap ? "Invalid ranges resource: overlapping ranges" : undefined;
}

/** Halves away from zero. */
function toThousandths(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value) * 1000);
}

function amountOf(resource: Resource): Amount {
  if (resource.type === "RANGES") return { type: "RANGES", ranges: normalize(resource.ranges?.range ?? []) };
  if (resource.type === "SET") return { type: "SET", items: resource.set?.item ?? [] };
  return { type: "SCALAR", thousandths: toThousandths(resource.scalar?.value ?? 0) };
}

function identityOf({ name, type, reservations, disk, revocable, shared, role }: Resource): Resource {
  const reserved =
    reservations !== undefined && reservations.length > 0
      ? { reservations }
      : role !== undefined && role !== "*"
        ? { reservations: [{ type: "STATIC" as const, role }] }
        : {};
  return {
    name,
    type,
    ...reserved,
    ...(disk === undefined ? {} : { disk }),
    ...(revocable === undefined ? {} : { revocable }),
    ...(shared === undefined ? {} : { shared }),
  };
}

function keyOf(identity: Resource): string {
  const { name, type, ...rest } = identity;
  for (const _ in rest) return JSON.stringify(identity);
  return `${type}:${name}`;
}

function valueOf(amount: Amount): Partial<Resource> {
  if (amount.type === "SCALAR") return { scalar: { value: amount.thousandths / 1000 } };
  return amount.type === "RANGES" ? { ranges: { range: amount.ranges } } : { set: { item: amount.items } };
}

function isNothing(amount: Amount): boolean {
  if (amount.type === "SCALAR") return amount.thousandths <= 0;
  return amount.type === "RANGES" ? amount.ranges.length === 0 : amount.items.length === 0;
}

function add(a: Amount, b: Amount): Amount {
  if (a.type === "SCALAR" && b.type === "SCALAR") {
    return { type: "SCALAR", thousandths: a.thousandths + b.thousandths };
  }
  if (a.type === "RANGES" && b.type === "RANGES") {
    return { type: "RANGES", ranges: normalize([...a.ranges, ...b.ranges]) };
  }
  if (a.type === "SET" && b.type === "SET") return { type: "SET", items: [...new Set([...a.items, ...b.items])] };
  return a;
}

function subtract(a: Amount, b: Amount): Amount {
  if (a.type === "SCALAR" && b.type === "SCALAR") {
    return { type: "SCALAR", thousandths: a.thousandths - b.thousandths };
  }
  if (a.type === "RANGES" && b.type === "RANGES") {
    return { type: "RANGES", ranges: subtractRanges(a.ranges, b.ranges) };
  }
  if (a.type === "SET" && b.type === "SET") {
    return { type: "SET", items: a.items.filter((item) => !b.items.includes(item)) };
  }
  return a;
}

function covers(outer: Amount, inner: Amount): boolean {
  if (outer.type === "SCALAR" && inner.type === "SCALAR") return inner.thousandths <= outer.thousandths;
  if (outer.type === "RANGES" && inner.type === "RANGES") return rangesContain(outer.ranges, inner.ranges);
  if (outer.type === "SET" && inner.type === "SET") return inner.items.every((item) => outer.items.includes(item));
  return false;
}

function printAmount(amount: Amount): string {
  if (amount.type === "SCALAR") return String(amount.thousandths / 1000);
  if (amount.type === "SET") return `{${amount.items.join(", ")}}`;
  return `[${amount.ranges.map(({ begin, end }) => `${begin}-${end}`).join(", ")}]`;
}
