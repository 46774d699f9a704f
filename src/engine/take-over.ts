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
 * Where Kafka knows no position the remembered one stands in for it. Where there is none either, `from` decides for a
 * group that is new altogether; a partition that appeared later starts at its beginning. Either way at the latest at
 * `firstHeld`, the lowest offset of which a run was found. Below the start of the log retention was faster than we: the
 * state then stands where it was, and goes on at the start of the log. Above its end the topic was made anew.
 */
export function takeOver(
  from: AssignedPartition,
  {
    groupIsNew,
    firstHeld,
    spec,
  }: { readonly groupIsNew: boolean; readonly firstHeld: number | undefined; readonly spec: ProcessorSpec },
): TakeOver {
  const { partition, committed, remembered, logStartOffset, logEndOffset } = from;
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
  const known = committed?.offset ?? remembered;
  const start = groupIsNew && spec.from === "latest" ? logEndOffset : logStartOffset;
  // A run of an earlier life that never came to commit anything: reading had begun there, or before.
  const watermark = known ?? Math.min(start, firstHeld ?? start);
  if (committed === null && known !== undefined) notes.push({ type: "remembered", partition, offset: known });
  const state = new PartitionState(partition, watermark, logEndOffset, committed);
  state.logStart = logStartOffset;
  const above = decodeCommitMetadata(committed?.metadata ?? "", committed?.offset ?? watermark);
  if (above.type === "foreign") {
    notes.push({ type: "foreign-metadata", partition, version: above.version });
  } else {
    for (const [first, end] of above.runs) state.done.addRange(first, end);
    for (const [offset, failed] of above.attempts)
      if (!state.done.has(offset)) state.failedAttempts.set(offset, failed);
  }
  state.position = state.done.watermark;
  const records = expiredRecords(state);
  if (records > 0) notes.push({ type: "expired", partition, records });
  return { type: "taken", state, notes };
}

/** Offsets below the start of the log that nobody has settled. */
function expiredRecords({ done, logStart }: PartitionState): number {
  let records = Math.max(0, logStart - done.watermark);
  for (const [start, end] of done.runsAbove()) {
    if (start >= logStart) break;
    records -= Math.min(end, logStart) - start;
  }
  return records;
}

/** Whether neither Kafka nor anybody here knows of a position of the group. */
export function isNewGroup(partitions: readonly AssignedPartition[]): boolean {
  return partitions.every(({ committed, remembered }) => committed === null && remembered === undefined);
}

/**
 * Lets go of what is remembered of a topic that was made anew: its id tells (`isAnew`), or, where a cluster gives none, one
 * of its logs ends below its remembered position, and Kafka has no other, since it forgets a group's positions with the
 * topic. What is remembered of the other partitions is of the old topic too, though it would fit the new one.
 */
export function withoutVoid(
  partitions: readonly AssignedPartition[],
  isAnew: boolean,
): {
  readonly partitions: readonly AssignedPartition[];
  readonly notes: readonly TrackerNote[];
} {
  const doubtful = partitions.filter(({ committed, remembered }) => committed === null && remembered !== undefined);
  const isMadeAnew = isAnew || doubtful.some(({ remembered = 0, logEndOffset }) => remembered > logEndOffset);
  if (!isMadeAnew) return { partitions, notes: [] };
  const notes = doubtful.map(({ partition, remembered = 0, logEndOffset }): TrackerNote => {
    return { type: "remembered-void", partition, offset: remembered, logEnd: logEndOffset };
  });
  const without = partitions.map(({ partition, committed, logStartOffset, logEndOffset }) => {
    return { partition, committed, logStartOffset, logEndOffset };
  });
  return { partitions: without, notes };
}

/** Whether nobody but us wrote the group's offset since we last looked. */
export function isUnchanged(
  ours: { readonly offset: number; readonly metadata: string } | null,
  { committed }: AssignedPartition,
): boolean {
  return ours?.offset === committed?.offset && ours?.metadata === committed?.metadata;
}
