import type { Attribute, Resource } from "../../../mesos/types.ts";
import { Resources } from "../resources.ts";
import { double, type View } from "./old-json.ts";

/** What counts for a role; tasks, executors and offers all do. */
interface Charged {
  readonly role: string;
  readonly resources: Resources;
}

export function sum(all: Iterable<{ readonly resources: Resources }>): Resources {
  let total = Resources.none;
  for (const { resources } of all) total = total.plus(resources);
  return total;
}

/** Those of each role side by side, each with the role that they are allocated to, in both forms of Mesos' history. */
export function allocatedList(all: Iterable<Charged>): Resource[] {
  const byRole = new Map<string, Resources>();
  for (const { role, resources } of all) byRole.set(role, (byRole.get(role) ?? Resources.none).plus(resources));
  return [...byRole]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([role, resources]) => resources.toList({ allocationRole: role, legacyRole: true }));
}

export function totalList(resources: Resources): Resource[] {
  return resources.toList({ allocationRole: null, legacyRole: true });
}

/** `{"disk":0.0,"mem":64.0,"gpus":0.0,"cpus":0.2,"ports":"[31000-31099]"}`: the first four are always there. */
export function flat(resources: Resources): View {
  const view: Record<string, unknown> = { disk: double(0), mem: double(0), gpus: double(0), cpus: double(0) };
  for (const { name, scalar, ranges, set } of totalList(resources)) {
    if (scalar !== undefined) view[name] = double(scalar.value);
    if (ranges !== undefined) view[name] = `[${ranges.range.map(({ begin, end }) => `${begin}-${end}`).join(", ")}]`;
    if (set !== undefined) view[name] = `{${set.item.join(", ")}}`;
  }
  return view;
}

/** `{"cpus":4.0,"ports":100.0}`: how many elements ranges and sets have. */
export function quantities(resources: Resources): View {
  const view: Record<string, unknown> = {};
  for (const { name, scalar, ranges, set } of totalList(resources)) {
    if (scalar !== undefined) view[name] = double(scalar.value);
    if (ranges !== undefined) view[name] = double(ranges.range.reduce((n, { begin, end }) => n + end - begin + 1, 0));
    if (set !== undefined) view[name] = double(set.item.length);
  }
  return view;
}

/** A resource in the API's own JSON, for members that end in `_full`. */
export function fullList(resources: readonly Resource[]): View[] {
  return resources.map(({ name, type, scalar, ranges, set, role, allocationInfo, reservations }) => ({
    name,
    type,
    scalar: scalar && { value: double(scalar.value) },
    ranges,
    set,
    role,
    allocation_info: allocationInfo,
    reservations,
  }));
}

export function flatAttributes(attributes: readonly Attribute[] = []): View {
  return Object.fromEntries(attributes.map((attribute) => [attribute.name, attributeView(attribute)]));
}

function attributeView({ text, scalar, ranges, set }: Attribute): unknown {
  if (text !== undefined) return text.value;
  if (scalar !== undefined) return double(scalar.value);
  if (ranges !== undefined) return `[${ranges.range.map(({ begin, end }) => `${begin}-${end}`).join(", ")}]`;
  return `{${(set?.item ?? []).join(", ")}}`;
}
