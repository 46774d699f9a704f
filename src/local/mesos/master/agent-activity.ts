import type { MasterState } from "./master-state.ts";
import type { KnownAgent } from "./master-types.ts";

/** Whether anything may be offered of an agent: it has to be there, and wanted by the operator. */
export function setAgentActivity(state: MasterState, agent: KnownAgent): void {
  state.allocator.setAgentActive(agent.id, agent.connected && !agent.deactivated);
}
