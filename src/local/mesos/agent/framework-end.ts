import type { FrameworkId } from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import type { AgentState } from "./agent-state.ts";
import { shutdownExecutor } from "./executors.ts";

/** Nobody is left to be told of its tasks: their updates are dropped. */
export function shutdownFramework(state: AgentState, frameworkId: FrameworkId, now: Moment): void {
  state.updates.removeFramework(frameworkId);
  const framework = state.frameworks.get(frameworkId);
  if (framework === undefined) return;
  framework.terminating = true;
  state.remember(frameworkId, { type: "framework-removed", frameworkId });
  for (const executor of framework.executors.values()) {
    shutdownExecutor(state, executor, now);
    state.forgetIfOver(frameworkId, executor);
  }
}
