import type { ExecutorId } from "../mesos/types.ts";

/*
 * An executor id is `<processor>-<kind>-<epoch>-<number>`. The kind is the hash of its configuration, so that a changed
 * image or environment never meets an executor that runs with the old one (Mesos refuses a different ExecutorInfo under
 * a known id). Epoch and number make its generation: counted up whenever a new process is meant, and never used twice.
 */

export interface ExecutorIdParts {
  readonly name: string;
  /** No `-` in it. */
  readonly kind: string;
  readonly epoch: number;
  readonly number: number;
}

export function formatExecutorId({ name, kind, epoch, number }: ExecutorIdParts): ExecutorId {
  return `${name}-${kind}-${epoch}-${number}` as ExecutorId;
}

/** Reads an id from its right end; undefined where it is not of our making. */
export function parseExecutorId(id: string): ExecutorIdParts | undefined {
  const match = /^(.+)-([^-]+)-(\d{1,16})-(\d{1,16})$/s.exec(id);
  if (match === null) return undefined;
  const [, name = "", kind = "", epoch, number] = match;
  return { name, kind, epoch: Number(epoch), number: Number(number) };
}

/** The kind of an executor for a single task: never found again under the shared kind. */
export function aloneKind(hash: string): string {
  return `${hash}.alone`;
}
