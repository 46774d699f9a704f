import type { Random } from "../../../src/base/random.ts";
import type { SchedulerEvent } from "../../../src/mesos/scheduler-api.ts";
import type {
  AgentId,
  ExecutorId,
  ExecutorInfo,
  FrameworkId,
  FrameworkInfo,
  OfferId,
  TaskId,
  TaskState,
  TaskStatus,
} from "../../../src/mesos/types.ts";
import type { Faults } from "../faults.ts";
import type { VirtualTime } from "../time.ts";
import type { AgentLink, AgentTaskView } from "./cluster-messages.ts";

/** One subscription of a scheduler, as the master holds it. */
export interface SchedulerStream {
  /** Calls that carry another stream's id are refused. */
  readonly id: string;
  send(event: SchedulerEvent): void;
  /** The master closes it, after what was sent. */
  end(): void;
}

export interface Framework {
  readonly id: FrameworkId;
  stream: SchedulerStream | undefined;
  suppressed: boolean;
  readonly filters: Map<AgentId, { readonly untilMs: number; readonly milliCpus: number }>;
}

export interface MasterTask extends Omit<AgentTaskView, "state"> {
  readonly agentId: AgentId;
  latest: TaskState;
  /** The last update that was forwarded. */
  forwarded: Pick<TaskStatus, "state" | "uuid"> | undefined;
}

export interface KnownAgent {
  readonly id: AgentId;
  /** `recovering`: the master is new and knows only that the agent exists. */
  state: "registered" | "recovering" | "unreachable" | "gone";
  link: AgentLink | undefined;
  readonly tasks: Map<string, MasterTask>;
  readonly executors: Map<string, { readonly frameworkId: FrameworkId; readonly info: ExecutorInfo }>;
  /** Those that it had when it was given up. */
  readonly unreachableTasks: Map<string, Pick<MasterTask, "frameworkId" | "taskId">>;
  cancelTimeout: () => void;
}

/** What outlives a master: the ids of agents, and whether they were given up. */
export interface Registry {
  readonly agents: Map<AgentId, "known" | "unreachable" | "gone">;
  /** Frameworks that were taken down. The real one forgets them, and an operator has to see to what is left. */
  readonly removed: Set<FrameworkId>;
  /** Agents bring the frameworks of their tasks along when they register. */
  readonly frameworks: Map<FrameworkId, FrameworkInfo>;
  lastFramework: number;
  lastOffer: number;
}

export interface MasterEvents {
  agentUnreachable(agentId: AgentId): void;
  /** A subscription has lasted for so long while agents are still to return. */
  adoptionTimedOut(frameworkId: FrameworkId): void;
}

export interface MasterOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: Faults;
  readonly registry: Registry;
  readonly events: MasterEvents;
  /** From the subscription on, what the schedulers wait for agents at the most. */
  readonly adoptTimeoutMs: number;
}

interface OutstandingOffer {
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly milliCpus: number;
}

/** A master's memory, shared by its parts. It dies with the master. */
export class MasterState {
  readonly options: MasterOptions;
  readonly frameworks = new Map<FrameworkId, Framework>();
  readonly agents = new Map<AgentId, KnownAgent>();
  readonly offers = new Map<OfferId, OutstandingOffer>();
  dead = false;

  constructor(options: MasterOptions) {
    this.options = options;
  }

  isRemoved(frameworkId: FrameworkId): boolean {
    return this.options.registry.removed.has(frameworkId);
  }

  find(frameworkId: FrameworkId, taskId: TaskId): MasterTask | undefined {
    const key = keyOf(frameworkId, taskId);
    for (const { tasks } of this.agents.values()) {
      const task = tasks.get(key);
      if (task !== undefined) return task;
    }
    return undefined;
  }

  /** To a scheduler, where one is subscribed. */
  send(frameworkId: FrameworkId, event: SchedulerEvent): void {
    this.frameworks.get(frameworkId)?.stream?.send(event);
  }

  /** @param tell whether the framework hears of it by RESCIND */
  withdrawOffers(which: (offer: OutstandingOffer, id: OfferId) => boolean, tell: boolean): void {
    for (const [id, offer] of this.offers) {
      if (!which(offer, id)) continue;
      this.offers.delete(id);
      if (tell) this.send(offer.frameworkId, { type: "RESCIND", offerId: id });
    }
  }
}

export function keyOf(frameworkId: FrameworkId, id: TaskId | ExecutorId): string {
  return `${frameworkId}/${id}`;
}
