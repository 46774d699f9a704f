import type { TaskStatus } from "../../mesos/types.ts";

/** The last update of each state, in the order of the states' first ones, with one more. */
export function withStatus(statuses: readonly TaskStatus[], status: TaskStatus): readonly TaskStatus[] {
  return [...statuses.filter(({ state }) => state !== status.state), withoutData(status)];
}

/** Results and what programs are given can be large: books are kept without them. */
export function withoutData<T extends { readonly data?: Uint8Array }>(value: T): Omit<T, "data"> {
  const { data, ...rest } = value;
  return data === undefined ? value : rest;
}
