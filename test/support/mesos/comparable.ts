/*
 * What of an answer has to agree with a recorded one: all but what differs by nature. That such a member is there counts,
 * its value does not.
 */

/** Times, addresses and numbers of processes. */
const byNature = /^(timestamp|ip|port|pid|executor_pid|address|leader|.*_time|mtime)$/;
/** What says how the other program was built and started, and what it measured. */
const ofTheProgram = /^(flags|metrics|build_date|build_time|build_user|statistics|resource_statistics)$/;

/**
 * Resources, attributes and what a master keeps without order is put in an order of its own; everything else stays in
 * its order.
 */
export function comparable(value: unknown, within = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => comparable(item));
    return unordered.has(within) || items.every((item) => nameOf(item) !== undefined)
      ? items.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
      : items;
  }
  if (typeof value !== "object" || value === null) return value;
  if (isNested(value)) return { container_id: value.container_id };
  const entries = Object.entries(value)
    .map(([name, part]) => [name, differs(name) ? `<${name}>` : comparable(numeric(name, part), name)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}

/** Hash maps of the recorded programs. */
const unordered: ReadonlySet<string> = new Set(["executor_ids", "executors"]);

/** What is known of a container within its executor's is a matter of milliseconds, but for its id. */
function isNested(value: object): value is { readonly container_id: object } {
  if (!("container_id" in value)) return false;
  const { container_id: id } = value;
  return typeof id === "object" && id !== null && "parent" in id;
}

function differs(name: string): boolean {
  return byNature.test(name) || ofTheProgram.test(name);
}

/** The recorder writes 64-bit integers of protobuf as text. */
function numeric(name: string, value: unknown): unknown {
  const isNumber = ["nanoseconds", "begin", "end"].includes(name) && typeof value === "string";
  return isNumber ? Number(value) : value;
}

function nameOf(value: unknown): string | undefined {
  return typeof value === "object" && value !== null && "name" in value && "type" in value
    ? String(value.name)
    : undefined;
}

function sortKey(value: unknown): string {
  return `${nameOf(value)} ${JSON.stringify(value)}`;
}
