import type { TrackerView } from "../engine/tracker-view.ts";
import type { TaskView } from "../framework/fine-runner.ts";
import type { WaitingSnapshot } from "./snapshot.ts";

/** Records that wait for the end of tasks that may be alive (`overlap: forbid`), for people. */
export function guardedWaiting(
  { records, runs }: TrackerView["guarded"],
  tasks: readonly TaskView[],
): readonly WaitingSnapshot[] {
  if (records === 0) return [];
  const wanted = new Set(runs);
  const inTheWay = tasks.filter(({ run }) => wanted.has(run));
  const [first] = inTheWay;
  if (first === undefined)
    return [{ count: records, reason: "for the end of runs that may be alive (overlap: forbid)" }];
  const place = first.host ?? first.agent;
  const task = place === null ? first.id : `${first.id} on ${place}`;
  const more = inTheWay.length > 1 ? ` and ${inTheWay.length - 1} more` : "";
  const isOrphaned = inTheWay.some(({ orphaned }) => orphaned);
  const hint = isOrphaned
    ? "; its framework was removed, so that nobody tells: once it certainly does not run, set overlap to allow"
    : "";
  return [
    {
      count: records,
      reason: `until ${task}${more}, which may be alive, is known to be dead (overlap: forbid${hint})`,
    },
  ];
}
