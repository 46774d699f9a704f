import type { Offer } from "../../../mesos/types.ts";
import type { MasterState } from "./master-state.ts";
import type { Framework, OutstandingOffer } from "./master-types.ts";

/** @param legacyRole whether resources say `"role":"*"`, as for frameworks without RESERVATION_REFINEMENT */
export function offerMessage(
  state: Readonly<MasterState>,
  framework: Framework,
  { id, agentId, role, resources }: OutstandingOffer,
  legacyRole = !framework.capabilities.has("RESERVATION_REFINEMENT"),
): Offer {
  const agent = state.agents.get(agentId);
  const multiRole = framework.capabilities.has("MULTI_ROLE");
  const executorIds = [...(agent?.executors.get(framework.id)?.keys() ?? [])];
  const unavailability = agent && state.maintenance.unavailability(agent);
  return {
    id,
    frameworkId: framework.id,
    agentId,
    hostname: agent?.info.hostname ?? "",
    ...(agent === undefined ? {} : { url: { scheme: "http", address: agent.endpoint, path: `/${agent.processName}` } }),
    resources: resources.toList({ allocationRole: multiRole ? role : null, legacyRole }),
    attributes: agent?.info.attributes ?? [],
    ...(executorIds.length === 0 ? {} : { executorIds }),
    ...(unavailability === undefined ? {} : { unavailability }),
    ...(multiRole ? { allocationInfo: { role } } : {}),
  };
}
