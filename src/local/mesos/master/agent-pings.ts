import { printDuration } from "../durations.ts";
import type { Moment } from "../moment.ts";
import { removeAgent } from "./agent-removal.ts";
import type { MasterState } from "./master-state.ts";
import type { KnownAgent } from "./master-types.ts";

/** The time between two pings is over: an agent that has missed too many is taken for unreachable. */
export function pingAgent(state: MasterState, agent: KnownAgent, now: Moment): void {
  if (state.agents.get(agent.id) !== agent) return;
  const { agentPingTimeoutMs, maxAgentPingTimeouts } = state.settings;
  if (agent.pinged) agent.missedPings++;
  if (agent.missedPings >= maxAgentPingTimeouts) {
    removeAgent(state, agent, { type: "unreachable", cause: "health check timed out" }, now);
    return;
  }
  agent.pinged = true;
  state.order(agent.id, { type: "ping" });
  state.timers.set(now.monotonicMs + agentPingTimeoutMs, { type: "ping", agent });
}

/** An agent whose connection broke has had its time to come back. */
export function agentOverdue(state: MasterState, agent: KnownAgent, disconnections: number, now: Moment): void {
  if (state.agents.get(agent.id) !== agent || agent.connected || agent.disconnections !== disconnections) return;
  const timeout = printDuration(state.settings.agentReregisterTimeoutMs);
  const cause = `agent did not reregister within ${timeout} after disconnecting`;
  removeAgent(state, agent, { type: "unreachable", cause }, now);
}

/** Agents that an earlier master knew have had their time: what ran there is unreachable, as far as anybody knows. */
export function recoveryOver(state: MasterState, now: Moment): void {
  for (const agentId of state.recovering) state.unreachable.set(agentId, now.wallMs);
  state.recovering.clear();
}
