import type { RunSpec } from "../../engine/run-wire.ts";
import type { ContainerKind } from "./container-pool.ts";

/** How long a container of `exec` isolation is kept that no run takes. */
const KEPT_IDLE_MS = 60_000;

/**
 * The containers that are made ahead for runs of a specification; undefined where each run gets a fresh one.
 *
 * A version's containers are equal, and another version's may differ in anything.
 */
export function kindOf({ isolation, warm, maxUses, version }: RunSpec): ContainerKind | undefined {
  // There are as many as runs at once: each has its container, with its limits, for itself.
  if (isolation === "exec") return { id: version, ready: 0, limit: Infinity, maxUses, idleMs: KEPT_IDLE_MS };
  return warm === 0 ? undefined : { id: version, ready: warm, limit: warm, maxUses: 1, idleMs: Infinity };
}
