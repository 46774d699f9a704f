import type { AgentId, FrameworkId, Unavailability } from "../../../mesos/types.ts";
import type { KnownAgent } from "./master-types.ts";

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

function put<V>(map: Map<AgentId, Map<FrameworkId, V>>, agentId: AgentId, frameworkId: FrameworkId, value: V): void {
  let inner = map.get(agentId);
  if (inner === undefined) map.set(agentId, (inner = new Map()));
  inner.set(frameworkId, value);
}
