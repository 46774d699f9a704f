/**
 * What a list holds more than once: each item once, in the order in which they come again. In time proportional to the
 * list, since whoever sends one decides how long it is.
 */
export function repeatedIn<Item>(items: Iterable<Item>): ReadonlySet<Item> {
  const [seen, repeated] = [new Set<Item>(), new Set<Item>()];
  for (const item of items) (seen.has(item) ? repeated : seen).add(item);
  return repeated;
}
