import { isDeepStrictEqual } from "node:util";
import type { AgentId, FrameworkId, InverseOffer, Unavailability } from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import { refuseMs } from "./filters.ts";
import type { CallOf, MasterState } from "./master-state.ts";
import type { Framework, KnownAgent } from "./master-types.ts";

export interface Machine {
  readonly hostname?: string;
  readonly ip?: string;
}

export interface MaintenanceWindow {
  readonly machineIds?: readonly Machine[];
  readonly unavailability: Unavailability;
}

/** What a framework last answered to an inverse offer. */
export interface InverseAnswer {
  readonly frameworkId: FrameworkId;
  readonly status: "ACCEPT" | "DECLINE";
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** When which machines are to be without tasks, and what frameworks say to that. */
export class Maintenance {
  #windows: readonly MaintenanceWindow[] = [];
  readonly #answers = new Map<AgentId, Map<FrameworkId, InverseAnswer>>();
  /** Until when a framework is not asked again. */
  readonly #quietUntilMs = new Map<AgentId, Map<FrameworkId, number>>();

  get windows(): readonly MaintenanceWindow[] {
    return this.#windows;
  }

  unavailability(agent: KnownAgent): Unavailability | undefined {
    return this.#windows.find(({ machineIds = [] }) => machineIds.some((machine) => isOn(agent, machine)))
      ?.unavailability;
  }

  /** What was answered about a machine, by the frameworks on its agents. */
  answersOn(agents: Iterable<KnownAgent>, machine: Machine): readonly InverseAnswer[] {
    return [...agents]
      .filter((agent) => isOn(agent, machine))
      .flatMap(({ id }) => [...(this.#answers.get(id)?.values() ?? [])]);
  }

  replace(windows: readonly MaintenanceWindow[]): void {
    this.#windows = windows;
  }

  forget(agentId: AgentId): void {
    this.#answers.delete(agentId);
    this.#quietUntilMs.delete(agentId);
  }

  isQuiet(agentId: AgentId, frameworkId: FrameworkId, nowMs: number): boolean {
    return (this.#quietUntilMs.get(agentId)?.get(frameworkId) ?? 0) > nowMs;
  }

  answer(agentId: AgentId, answer: InverseAnswer, quietUntilMs: number): void {
    put(this.#answers, agentId, answer.frameworkId, answer);
    put(this.#quietUntilMs, agentId, answer.frameworkId, quietUntilMs);
  }
}

export function isOn(agent: KnownAgent, { hostname, ip }: Machine): boolean {
  if (hostname === undefined && ip === undefined) return false;
  const named = hostname === undefined || hostname.toLowerCase() === agent.info.hostname.toLowerCase();
  return named && (ip === undefined || ip === agent.endpoint.ip);
}

/** Why a schedule is refused, in Mesos' words. */
export function scheduleProblem(windows: readonly MaintenanceWindow[]): string | undefined {
  const seen = new Set<string>();
  for (const { machineIds = [], unavailability } of windows) {
    if ((unavailability.duration?.nanoseconds ?? 0) < 0) return "Unavailability 'duration' is negative";
    for (const { hostname = "", ip = "" } of machineIds) {
      if (hostname === "" && ip === "") return "Both 'hostname' and 'ip' for a machine are empty";
      const machine = hostname === "" ? ip : ip === "" ? hostname : `${hostname} (${ip})`;
      if (seen.has(machine)) return `Machine '${machine}' appears more than once in the schedule`;
      seen.add(machine);
    }
  }
  return undefined;
}

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

function put<V>(map: Map<AgentId, Map<FrameworkId, V>>, agentId: AgentId, frameworkId: FrameworkId, value: V): void {
  let inner = map.get(agentId);
  if (inner === undefined) map.set(agentId, (inner = new Map()));
  inner.set(frameworkId, value);
}
