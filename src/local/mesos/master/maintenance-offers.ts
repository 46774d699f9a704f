import { isDeepStrictEqual } from "node:util";
import type { InverseOffer } from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import { refuseMs } from "./filters.ts";
import type { MaintenanceWindow } from "./maintenance.ts";
import type { CallOf, MasterState } from "./master-state.ts";
import type { Framework, KnownAgent } from "./master-types.ts";

/* What maintenance means for offers, and the inverse offers that ask frameworks to leave. */

/** A new schedule: what is offered of machines whose times changed is taken back, and offered anew. */
export function updateSchedule(state: MasterState, windows: readonly MaintenanceWindow[]): void {
  const { maintenance } = state;
  const before = new Map([...state.agents.values()].map((agent) => [agent, maintenance.unavailability(agent)]));
  maintenance.replace(windows);
  for (const [agent, unavailability] of before) {
    if (isDeepStrictEqual(unavailability, maintenance.unavailability(agent))) continue;
    maintenance.forget(agent.id);
    for (const offerId of agent.offers) state.rescind(offerId);
    for (const { id, agentId } of state.inverseOffers.values()) if (agentId === agent.id) state.rescindInverse(id);
    state.allocationWanted = true;
  }
}

/** Asks every framework that has something on a machine that is to be maintained, and has not just answered. */
export function sendInverseOffers(state: MasterState, now: Moment): void {
  const byFramework = new Map<Framework, InverseOffer[]>();
  for (const agent of state.agents.values()) {
    const unavailability = state.maintenance.unavailability(agent);
    if (unavailability === undefined) continue;
    for (const framework of state.frameworks.values()) {
      if (!mayBeAsked(state, framework, agent, now)) continue;
      const offer = { id: state.newOfferId(), frameworkId: framework.id, agentId: agent.id };
      const url = { scheme: "http", address: agent.endpoint, path: `/${agent.processName}` };
      state.inverseOffers.set(offer.id, offer);
      const { offerTimeoutMs } = state.settings;
      if (offerTimeoutMs !== undefined) {
        state.timers.set(now.monotonicMs + offerTimeoutMs, { type: "inverse-offer", offerId: offer.id });
      }
      const list = byFramework.get(framework) ?? [];
      byFramework.set(framework, [...list, { ...offer, url, unavailability }]);
    }
  }
  for (const [framework, inverseOffers] of byFramework)
    state.tell(framework, { type: "INVERSE_OFFERS", inverseOffers });
}

function mayBeAsked(state: MasterState, framework: Framework, agent: KnownAgent, now: Moment): boolean {
  if (framework.streamId === null || state.maintenance.isQuiet(agent.id, framework.id, now.monotonicMs)) return false;
  for (const { frameworkId, agentId } of state.inverseOffers.values()) {
    if (frameworkId === framework.id && agentId === agent.id) return false;
  }
  if (agent.executors.has(framework.id)) return true;
  for (const task of agent.tasks) if (task.frameworkId === framework.id) return true;
  for (const offerId of agent.offers) if (framework.offers.has(offerId)) return true;
  return false;
}

/** ACCEPT_INVERSE_OFFERS and DECLINE_INVERSE_OFFERS: noted for the operator, and followed by nothing. */
export function answerInverseOffers(
  state: MasterState,
  framework: Framework,
  call: CallOf<"ACCEPT_INVERSE_OFFERS" | "DECLINE_INVERSE_OFFERS">,
  now: Moment,
): void {
  const status = call.type === "ACCEPT_INVERSE_OFFERS" ? "ACCEPT" : "DECLINE";
  const quietMs = refuseMs(call.filters, state.settings.allocationIntervalMs) ?? 0;
  for (const id of call.inverseOfferIds) {
    if (state.inverseOffers.get(id)?.frameworkId !== framework.id) continue;
    const offer = state.takeInverseOffer(id);
    if (offer === undefined) continue;
    const answer = { frameworkId: framework.id, status, atMs: now.wallMs } as const;
    state.maintenance.answer(offer.agentId, answer, now.monotonicMs + quietMs);
  }
}
