import type { AgentId, ContainerId } from "../../../../mesos/types.ts";

/*
 * Whose container it is: an agent clears away what it finds of its own, and never what is another's. (A real one removes
 * every container that is named as its own are.)
 */

export const AGENT_LABEL = "io.brigade.local.agent";
export const CONTAINER_LABEL = "io.brigade.local.container";

export function containerLabels(agentId: AgentId, containerId: ContainerId): Record<string, string> {
  return { [AGENT_LABEL]: agentId, [CONTAINER_LABEL]: containerId };
}
