import type { MessageType } from "./schema.ts";

/*
 * Ids are bare strings here. Only a container's can have a parent, and is written `parent.own` then, as Mesos prints it;
 * the values themselves are UUIDs, without dots.
 */

/** The bare string of a decoded id message; undefined where it has no value. */
export function idOf({ value, parent }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof value !== "string") return undefined;
  return typeof parent === "string" ? `${parent}.${value}` : value;
}

export function idParts(type: MessageType, id: string): { readonly value: string; readonly parent?: string } {
  const dot = type.fields.length > 1 ? id.lastIndexOf(".") : -1;
  return dot < 0 ? { value: id } : { value: id.slice(dot + 1), parent: id.slice(0, dot) };
}
