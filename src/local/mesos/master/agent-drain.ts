import type { AgentId } from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import { setAgentActivity } from "./agent-activity.ts";
import { removeAgent } from "./agent-removal.ts";
import type { MasterState } from "./master-state.ts";
import type { Drain, KnownAgent } from "./master-types.ts";

/*
 * What an operator does to agents.
 */

/** Nothing is offered there any more; what runs goes on. */
export function deactivateAgent(state: MasterState, agent: KnownAgent): void {
  agent.deactivated = true;
  setAgentActivity(state, agent);
  for (const offerId of agent.offers) state.rescind(offerId);
}

export function reactivateAgent(state: MasterState, agent: KnownAgent): void {
  agent.deactivated = false;
  agent.drain = undefined;
  setAgentActivity(state, agent);
}

/** All its tasks are killed, nothing more is offered of it; then it is deactivated, or gone. */
export function drainAgent(
  state: MasterState,
  agent: KnownAgent,
  { maxGracePeriodMs, markGone }: Pick<Drain, "maxGracePeriodMs" | "markGone">,
  now: Moment,
): void {
  agent.drain = { maxGracePeriodMs, markGone, startedMs: now.wallMs, state: "DRAINING" };
  deactivateAgent(state, agent);
  state.order(agent.id, { type: "drain", maxGracePeriodMs, markGone });
  drainedIfIdle(state, agent, now);
}

/** The last task of an agent that is to be drained is over, and acknowledged. */
export function drainedIfIdle(state: MasterState, agent: KnownAgent, now: Moment): void {
  if (agent.drain?.state !== "DRAINING" || agent.tasks.size > 0) return;
  agent.drain = { ...agent.drain, state: "DRAINED" };
  if (agent.drain.markGone) markAgentGone(state, agent.id, now);
}

/** Its executors are shut down, and it may not come back. Once more is as good as once. */
export function markAgentGone(state: MasterState, agentId: AgentId, now: Moment): void {
  if (state.gone.has(agentId)) return;
  const agent = state.agents.get(agentId);
  state.unreachable.delete(agentId);
  state.recovering.delete(agentId);
  if (agent === undefined) state.gone.set(agentId, now.wallMs);
  else removeAgent(state, agent, { type: "gone" }, now);
  state.order(agentId, { type: "shutdown" });
}
