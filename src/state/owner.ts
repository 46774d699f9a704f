import { hostname } from "node:os";

interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

/** Who holds a lock, as it stands beside it: for people, and decides nothing. */
export function thisOwner(sinceMs: number): string {
  const owner: Owner = { pid: process.pid, host: hostname(), since: new Date(sinceMs).toISOString() };
  return `${JSON.stringify(owner)}\n`;
}

/** For messages, of what {@link thisOwner} wrote elsewhere. */
export function describeOwner(written: string): string {
  try {
    const { pid, host, since } = (JSON.parse(written) ?? {}) as Partial<Owner>;
    if (pid === undefined) return "another process";
    return `process ${pid} on ${host} (since ${since})`;
  } catch (error) {
    // Cut short by the death of its writer.
    if (error instanceof SyntaxError) return "another process";
    throw error;
  }
}
