import { formatDuration } from "../base/duration.ts";

/** A duration as people read it: whole seconds from one second on. */
export function formatAge(ms: number): string {
  return formatDuration(ms < 1000 ? ms : Math.floor(ms / 1000) * 1000);
}
