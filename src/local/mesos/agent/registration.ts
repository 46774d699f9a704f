import type { Moment } from "../moment.ts";
import type { AgentState } from "./agent-state.ts";

/** Tells the master what the agent is and has. Not while it waits for executors of an earlier life, or has been ended. */
export function register(state: AgentState, now: Moment): void {
  if (state.phase !== "running") return;
  const { info, endpoint, processName } = state.settings;
  const frameworks = [...state.frameworks.values()].map((framework) => ({
    info: framework.info,
    executors: [...framework.executors.values()]
      .filter(({ phase, kind }) => phase !== "terminated" && kind !== "command")
      .map((each) => each.info),
    tasks: [...framework.executors.values()].flatMap((executor) => {
      const executorId = executor.kind === "command" ? undefined : executor.info.executorId;
      const queued = executor.queued.flatMap(({ tasks }) => tasks);
      return [
        ...[...executor.tasks.values()].map(({ info: task, ...rest }) => ({ ...rest, task, executorId })),
        ...queued.map((task) => ({ task, executorId, state: "TASK_STAGING" as const, statuses: [] })),
      ];
    }),
  }));
  state.report({ type: "registered", info, endpoint, processName, frameworks });
  state.updates.resend(now.monotonicMs);
}

/** The master cannot be reached: what it is to know waits. */
export function loseMaster(state: AgentState): void {
  state.registered = false;
  state.updates.pause();
}
