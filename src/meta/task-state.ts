import type { TaskView } from "../framework/fine-runner.ts";
import type { TaskSnapshot } from "./snapshot.ts";

/** The keeper's phases, as people are shown them. */
export function taskState(phase: TaskView["state"]): TaskSnapshot["state"] {
  if (phase === "lost") return "unreachable";
  return phase === "running" || phase === "ended" || phase === "unreachable" ? phase : "placed";
}
