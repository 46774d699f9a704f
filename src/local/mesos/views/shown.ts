import type { TaskInfo } from "../../../mesos/types.ts";
import type { TaskShown } from "./task-views.ts";

/** What of a task is shown beside the rest, without members that are not there. */
export function shownOf(task: TaskInfo): TaskShown {
  const { container, killPolicy, command, executor } = task;
  const { healthCheck, discovery, limits } = task as TaskInfo & TaskShown;
  const user = command?.user ?? executor?.command?.user;
  const all = { container, killPolicy, healthCheck, discovery, limits, user };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
