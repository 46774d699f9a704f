import type { ProcessorSpec } from "../config/processor.ts";
import { decodeCommitMetadata } from "./commit-metadata.ts";
import { PartitionState } from "./partition-state.ts";
import type { AssignedPartition } from "./ports.ts";
import type { TrackerNote } from "./tracker-events.ts";

export type TakeOver =
  | { readonly type: "taken"; readonly state: PartitionState; readonly notes: readonly TrackerNote[] }
  /** Nobody may read it before a person has decided. */
  | { readonly type: "stuck"; readonly reason: string; readonly notes: readonly TrackerNote[] };

/**
 * What a new owner of a partition knows: where the group committed, and from the commit's metadata what is settled above
 * that and how often programs have failed.
 *
 * Where nothing was committed, `from` decides for a group that is new altogether; a partition that appeared later
 * starts at its beginning. Below the start of the log retention was faster than we; above its end the topic was made
 * anew.
 */
export function takeOver(from: AssignedPartition, groupIsNew: boolean, spec: ProcessorSpec): TakeOver {
  const { partition, committed, logStartOffset, logEndOffset } = from;
  if (committed !== null && committed.offset > logEndOffset) {
    return {
      type: "stuck",
      reason:
        `partition ${partition} of ${spec.input} ends at ${logEndOffset}, below the committed offset ` +
        `${committed.offset}: was the topic made anew?`,
      notes: [{ type: "beyond-end", partition, committed: committed.offset, logEnd: logEndOffset }],
    };
  }
  const notes: TrackerNote[] = [];
  const start = groupIsNew && spec.from === "latest" ? logEndOffset : logStartOffset;
  const watermark = Math.max(committed?.offset ?? start, logStartOffset);
  if (committed !== null && committed.offset < logStartOffset) {
    notes.push({ type: "expired", partition, records: logStartOffset - committed.offset });
  }
  const state = new PartitionState(partition, watermark, logEndOffset, committed);
  const known = decodeCommitMetadata(committed?.metadata ?? "", committed?.offset ?? watermark);
  if (known.type === "foreign") {
    notes.push({ type: "foreign-metadata", partition, version: known.version });
  } else {
    for (const [first, end] of known.runs) state.done.addRange(first, end);
    for (const [offset, failed] of known.attempts)
      if (!state.done.has(offset)) state.failedAttempts.set(offset, failed);
  }
  state.position = state.done.watermark;
  return { type: "taken", state, notes };
}

/** Whether nobody but us wrote the group's offset since we last looked. */
export function isUnchanged(
  ours: { readonly offset: number; readonly metadata: string } | null,
  { committed }: AssignedPartition,
): boolean {
  return ours?.offset === committed?.offset && ours?.metadata === committed?.metadata;
}
