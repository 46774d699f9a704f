import { assertNever } from "../../../base/errors.ts";
import type { AgentId, FrameworkId } from "../../../mesos/types.ts";
import type { CallRefusal } from "../call-refusal.ts";
import type { Moment } from "../moment.ts";
import { deactivateAgent, drainAgent, markAgentGone, reactivateAgent } from "./agent-drain.ts";
import { type MaintenanceWindow, scheduleProblem } from "./maintenance.ts";
import { updateSchedule } from "./maintenance-offers.ts";
import type { MasterState } from "./master-state.ts";
import { removeFramework } from "./subscription.ts";

/** What an operator has done. */
export type OperatorOrder =
  | { readonly type: "TEARDOWN"; readonly frameworkId: FrameworkId }
  | { readonly type: "MARK_AGENT_GONE"; readonly agentId: AgentId }
  | {
      readonly type: "DRAIN_AGENT";
      readonly agentId: AgentId;
      readonly maxGracePeriodMs: number | undefined;
      readonly markGone: boolean;
    }
  | { readonly type: "DEACTIVATE_AGENT"; readonly agentId: AgentId }
  | { readonly type: "REACTIVATE_AGENT"; readonly agentId: AgentId }
  | { readonly type: "UPDATE_MAINTENANCE_SCHEDULE"; readonly windows: readonly MaintenanceWindow[] };

const unknownAgent: CallRefusal = { status: 400, message: "Unknown agent" };

/** Why an order is refused, with the status and in the words of the answer. */
export function operatorRefusal(state: MasterState, order: OperatorOrder): CallRefusal | undefined {
  switch (order.type) {
    case "TEARDOWN":
      if (state.frameworks.has(order.frameworkId)) return undefined;
      return { status: 400, message: "No framework found with specified ID" };
    case "MARK_AGENT_GONE": {
      const { agentId } = order;
      const books = [state.agents, state.unreachable, state.recovering, state.gone];
      if (books.some((book) => book.has(agentId))) return undefined;
      return { status: 404, message: `Agent '${agentId}' not found` };
    }
    case "DRAIN_AGENT":
    case "DEACTIVATE_AGENT":
      return state.agents.has(order.agentId) ? undefined : unknownAgent;
    case "REACTIVATE_AGENT": {
      const agent = state.agents.get(order.agentId);
      if (agent === undefined) return unknownAgent;
      if (!agent.deactivated) return { status: 400, message: "Agent is not deactivated" };
      if (agent.drain?.state !== "DRAINING") return undefined;
      return { status: 400, message: "Agent is still in the DRAINING state" };
    }
    case "UPDATE_MAINTENANCE_SCHEDULE": {
      const problem = scheduleProblem(order.windows);
      return problem === undefined ? undefined : { status: 400, message: problem };
    }
    default:
      return assertNever(order);
  }
}

/** Carries out an order that {@link operatorRefusal} does not refuse. */
export function operate(state: MasterState, order: OperatorOrder, now: Moment): void {
  if (order.type === "UPDATE_MAINTENANCE_SCHEDULE") return updateSchedule(state, order.windows);
  if (order.type === "TEARDOWN") return removeFramework(state, state.framework(order.frameworkId), now);
  if (order.type === "MARK_AGENT_GONE") return markAgentGone(state, order.agentId, now);
  const agent = state.agents.get(order.agentId);
  if (agent === undefined) return;
  switch (order.type) {
    case "DRAIN_AGENT":
      return drainAgent(state, agent, order, now);
    case "DEACTIVATE_AGENT":
      return deactivateAgent(state, agent);
    case "REACTIVATE_AGENT":
      return reactivateAgent(state, agent);
    default:
      return assertNever(order);
  }
}
