import { assertNever } from "../../../base/errors.ts";
import type { Random } from "../../../base/random.ts";
import type { AgentId, FrameworkId, Offer } from "../../../mesos/types.ts";
import type { FromAgent } from "../agent-messages.ts";
import type { Moment } from "../moment.ts";
import { accept, decline } from "./accept.ts";
import { type Allocation, Allocator } from "./allocator.ts";
import {
  type CallOf,
  type Framework,
  type MasterCommand,
  type MasterSettings,
  MasterState,
  type StreamId,
  type SubscribedCall,
} from "./master-state.ts";
import { reconcile, reconcileTask } from "./reconciliation.ts";
import { acknowledge, agentReported } from "./registered-agents.ts";
import { disconnect, removeFramework, type Subscribe, subscribe } from "./subscription.ts";

export type MasterEvent =
  | ({ readonly type: "subscribe" } & Subscribe)
  /** A call that {@link Master.refusal} has let pass. */
  | { readonly type: "call"; readonly frameworkId: FrameworkId; readonly call: SubscribedCall }
  /** The connection of a stream has gone. */
  | { readonly type: "disconnected"; readonly streamId: StreamId }
  | ({ readonly type: "agent" } & FromAgent)
  /** A deadline of {@link Master.nextWakeMs} has come. */
  | { readonly type: "wake" };

/** An answer other than 202. */
export interface CallRefusal {
  readonly status: number;
  readonly message: string;
}

/**
 * The master: events in, commands out. It owns frameworks, offers, tasks and the allocation of resources; executors and
 * the delivery of updates are the agents'. No I/O and no clock inside; chance comes with the constructor.
 */
export class Master {
  readonly #state: MasterState;

  /** @param recovering agents that may come back with tasks and have yet to register */
  constructor(settings: MasterSettings, random: Random, recovering: readonly AgentId[] = []) {
    this.#state = new MasterState(settings, new Allocator(random), recovering);
  }

  /** For views and tests. */
  get state(): Readonly<MasterState> {
    return this.#state;
  }

  /** When the next `wake` is wanted, on the monotonic clock; 0: at once; undefined: not before the next event. */
  get nextWakeMs(): number | undefined {
    return this.#state.allocationWanted ? 0 : this.#state.timers.nextMs;
  }

  /** Why a call other than SUBSCRIBE is refused, by the ids that it carries. */
  refusal(frameworkId: FrameworkId, streamId: StreamId | undefined): CallRefusal | undefined {
    const framework = this.#state.frameworks.get(frameworkId);
    if (framework === undefined) return { status: 400, message: "Framework cannot be found" };
    if (framework.streamId === null) return { status: 403, message: "Framework is not subscribed" };
    if (streamId === undefined) {
      return { status: 400, message: "All non-subscribe calls should include the 'Mesos-Stream-Id' header" };
    }
    if (streamId === framework.streamId) return undefined;
    const message = `The stream ID '${streamId}' included in this request didn't match the stream ID currently`;
    return { status: 400, message: `${message} associated with framework ID ${frameworkId}` };
  }

  step(event: MasterEvent, now: Moment): MasterCommand[] {
    switch (event.type) {
      case "subscribe":
        subscribe(this.#state, event, now);
        break;
      case "call":
        this.#call(this.#state.framework(event.frameworkId), event.call, now);
        break;
      case "disconnected":
        disconnect(this.#state, event.streamId, now);
        break;
      case "agent":
        agentReported(this.#state, event, now);
        break;
      case "wake":
        this.#wake(now);
        break;
      default:
        assertNever(event);
    }
    return this.#state.takeCommands();
  }

  /** Starts the allocation timer. */
  start(now: Moment): void {
    this.#scheduleAllocation(now);
  }

  #call(framework: Framework, call: SubscribedCall, now: Moment): void {
    const state = this.#state;
    switch (call.type) {
      case "TEARDOWN":
        return removeFramework(state, framework);
      case "ACCEPT":
        return accept(state, framework, call, now);
      case "DECLINE":
        return decline(state, framework, call, now);
      case "REVIVE":
        if (!this.#hasRoles(framework, call)) return;
        state.allocator.revive(framework.id, call.roles ?? []);
        state.allocationWanted = true;
        return;
      case "SUPPRESS":
        if (this.#hasRoles(framework, call)) state.allocator.suppress(framework.id, call.roles ?? []);
        return;
      case "KILL":
        return this.#kill(framework, call, now);
      case "SHUTDOWN":
        if (!state.agents.has(call.agentId)) return;
        return state.order(call.agentId, {
          type: "shutdown-executor",
          frameworkId: framework.id,
          executorId: call.executorId,
        });
      case "ACKNOWLEDGE":
        return acknowledge(state, framework, call);
      case "RECONCILE":
        return reconcile(state, framework, call, now);
      case "MESSAGE":
        if (!state.agents.has(call.agentId)) return;
        return state.order(call.agentId, {
          type: "message",
          frameworkId: framework.id,
          executorId: call.executorId,
          data: call.data,
        });
      case "UPDATE_FRAMEWORK":
      case "ACCEPT_INVERSE_OFFERS":
      case "DECLINE_INVERSE_OFFERS":
      case "ACKNOWLEDGE_OPERATION_STATUS":
      case "RECONCILE_OPERATIONS":
      case "REQUEST":
        return;
      default:
        return assertNever(call);
    }
  }

  /** One bad role drops the whole call. */
  #hasRoles(framework: Framework, { type, roles = [] }: CallOf<"REVIVE" | "SUPPRESS">): boolean {
    const foreign = roles.find((role) => !framework.roles.includes(role));
    if (foreign === undefined) return true;
    this.#state.note("call dropped: role not subscribed", { frameworkId: framework.id, call: type, role: foreign });
    return false;
  }

  /** A task that is not known is answered as by reconciliation; a wrong agent id is ignored. */
  #kill(framework: Framework, { taskId, agentId, killPolicy }: CallOf<"KILL">, now: Moment): void {
    const task = framework.tasks.get(taskId);
    if (task === undefined) return reconcileTask(this.#state, framework, taskId, agentId, now);
    if (agentId !== undefined && agentId !== task.agentId) return;
    this.#state.order(task.agentId, { type: "kill-task", frameworkId: framework.id, taskId, killPolicy });
  }

  #wake(now: Moment): void {
    const { timers } = this.#state;
    for (let timer = timers.take(now.monotonicMs); timer !== undefined; timer = timers.take(now.monotonicMs)) {
      if (timer.type === "allocate") {
        this.#state.allocationWanted = true;
        this.#scheduleAllocation(now);
        continue;
      }
      const framework = this.#state.frameworks.get(timer.frameworkId);
      if (framework === undefined) continue;
      if (timer.type === "failover") {
        const away = framework.streamId === null && framework.subscriptions === timer.subscriptions;
        if (away) removeFramework(this.#state, framework);
      } else if (framework.streamId === timer.streamId) {
        this.#state.tell(framework, { type: "HEARTBEAT" });
        timers.set(now.monotonicMs + this.#state.settings.heartbeatIntervalMs, timer);
      }
    }
    if (this.#state.allocationWanted) this.#allocate(now);
  }

  #scheduleAllocation(now: Moment): void {
    this.#state.timers.set(now.monotonicMs + this.#state.settings.allocationIntervalMs, { type: "allocate" });
  }

  /** One run; each framework gets all its offers of the run in one event. */
  #allocate(now: Moment): void {
    this.#state.allocationWanted = false;
    const byFramework = new Map<Framework, Offer[]>();
    for (const allocation of this.#state.allocator.allocate(now.monotonicMs)) {
      const framework = this.#state.framework(allocation.frameworkId);
      const offer = this.#offer(framework, allocation);
      const offers = byFramework.get(framework);
      if (offers === undefined) byFramework.set(framework, [offer]);
      else offers.push(offer);
    }
    for (const [framework, offers] of byFramework) this.#state.tell(framework, { type: "OFFERS", offers });
  }

  #offer(framework: Framework, { agentId, role, resources }: Allocation): Offer {
    const id = this.#state.newOfferId();
    this.#state.addOffer({ id, frameworkId: framework.id, agentId, role, resources });
    const agent = this.#state.agents.get(agentId);
    const multiRole = framework.capabilities.has("MULTI_ROLE");
    const executorIds = [...(agent?.executors.get(framework.id)?.keys() ?? [])];
    return {
      id,
      frameworkId: framework.id,
      agentId,
      hostname: agent?.info.hostname ?? "",
      ...(agent === undefined
        ? {}
        : { url: { scheme: "http", address: agent.endpoint, path: `/${agent.processName}` } }),
      resources: resources.toList({
        allocationRole: multiRole ? role : null,
        legacyRole: !framework.capabilities.has("RESERVATION_REFINEMENT"),
      }),
      attributes: agent?.info.attributes ?? [],
      ...(executorIds.length === 0 ? {} : { executorIds }),
      ...(multiRole ? { allocationInfo: { role } } : {}),
    };
  }
}
