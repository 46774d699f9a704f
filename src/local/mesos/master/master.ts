import { assertNever } from "../../../base/errors.ts";
import type { Random } from "../../../base/random.ts";
import type { AgentId, FrameworkId, Offer } from "../../../mesos/types.ts";
import type { FromAgent } from "../agent-messages.ts";
import type { CallRefusal } from "../call-refusal.ts";
import type { Moment } from "../moment.ts";
import { accept, decline } from "./accept.ts";
import { agentOverdue, pingAgent, recoveryOver } from "./agent-pings.ts";
import { disconnectAgent } from "./agent-removal.ts";
import { acknowledge, agentReported } from "./agent-reports.ts";
import { type Allocation, Allocator } from "./allocator.ts";
import { Maintenance } from "./maintenance.ts";
import { answerInverseOffers, sendInverseOffers } from "./maintenance-offers.ts";
import {
  type CallOf,
  type MasterCommand,
  type MasterSettings,
  MasterState,
  type SubscribedCall,
} from "./master-state.ts";
import type { Framework, MasterTimer, StreamId } from "./master-types.ts";
import { offerMessage } from "./offers.ts";
import { type OperatorOrder, operate, operatorRefusal } from "./operator-orders.ts";
import { reconcile, reconcileOperations, reconcileTask } from "./reconciliation.ts";
import {
  disconnect,
  removeFramework,
  type Subscribe,
  subscribe,
  updateFramework,
  updateProblem,
} from "./subscription.ts";

export type MasterEvent =
  | ({ readonly type: "subscribe" } & Subscribe)
  /** A call that {@link Master.refusal} has let pass. */
  | { readonly type: "call"; readonly frameworkId: FrameworkId; readonly call: SubscribedCall }
  /** The connection of a stream has gone. */
  | { readonly type: "disconnected"; readonly streamId: StreamId }
  | ({ readonly type: "agent" } & FromAgent)
  | { readonly type: "agent-disconnected"; readonly agentId: AgentId }
  /** An operator's order that {@link Master.operatorRefusal} has let pass. */
  | { readonly type: "operate"; readonly order: OperatorOrder }
  /** A deadline of {@link Master.nextWakeMs} has come. */
  | { readonly type: "wake" };

/**
 * The master: events in, commands out. It owns frameworks, offers, tasks and the allocation of resources; executors and
 * the delivery of updates are the agents'. No I/O and no clock inside; chance comes with the constructor.
 */
export class Master {
  readonly #state: MasterState;

  /**
   * @param recovering agents that may come back with tasks and have yet to register
   * @param gone agents that an operator marked gone under an earlier master
   */
  constructor(
    settings: MasterSettings,
    random: Random,
    recovering: readonly AgentId[] = [],
    gone: readonly AgentId[] = [],
  ) {
    this.#state = new MasterState(settings, new Allocator(random), new Maintenance(), recovering);
    for (const agentId of gone) this.#state.gone.set(agentId, settings.startedMs);
  }

  /** For views and tests. */
  get state(): Readonly<MasterState> {
    return this.#state;
  }

  /** When the next `wake` is wanted, on the monotonic clock; 0: at once; undefined: not before the next event. */
  get nextWakeMs(): number | undefined {
    return this.#state.allocationWanted ? 0 : this.#state.timers.nextMs;
  }

  /**
   * Why a call other than SUBSCRIBE is refused, by the ids that it carries.
   *
   * @param principal who has authenticated; undefined where nobody has to
   */
  refusal(
    frameworkId: FrameworkId,
    streamId: StreamId | undefined,
    principal: string | undefined,
  ): CallRefusal | undefined {
    const framework = this.#state.frameworks.get(frameworkId);
    if (framework === undefined) return { status: 400, message: "Framework cannot be found" };
    const its = framework.info.principal;
    if (principal !== undefined && its !== undefined && principal !== its) {
      const message = `Authenticated principal '${principal}' does not match principal '${its}' set in \`FrameworkInfo\``;
      return { status: 400, message };
    }
    if (framework.streamId === null) return { status: 403, message: "Framework is not subscribed" };
    if (streamId === undefined) {
      return { status: 400, message: "All non-subscribe calls should include the 'Mesos-Stream-Id' header" };
    }
    if (streamId === framework.streamId) return undefined;
    const message = `The stream ID '${streamId}' included in this request didn't match the stream ID currently`;
    return { status: 400, message: `${message} associated with framework ID ${frameworkId}` };
  }

  /** Why UPDATE_FRAMEWORK is refused; the only call whose outcome is its answer. */
  updateRefusal(frameworkId: FrameworkId, call: CallOf<"UPDATE_FRAMEWORK">): CallRefusal | undefined {
    const message = updateProblem(this.#state.framework(frameworkId), call);
    return message === undefined ? undefined : { status: 400, message };
  }

  operatorRefusal(order: OperatorOrder): CallRefusal | undefined {
    return operatorRefusal(this.#state, order);
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
      case "agent-disconnected": {
        const agent = this.#state.connectedAgent(event.agentId);
        if (agent !== undefined) disconnectAgent(this.#state, agent, now);
        break;
      }
      case "operate":
        operate(this.#state, event.order, now);
        break;
      case "wake":
        this.#wake(now);
        break;
      default:
        assertNever(event);
    }
    return this.#state.takeCommands();
  }

  /** Starts the allocation timer, and the time that agents of an earlier master have to come back. */
  start(now: Moment): void {
    this.#scheduleAllocation(now);
    if (this.#state.recovering.size === 0) return;
    const deadlineMs = now.monotonicMs + this.#state.settings.agentReregisterTimeoutMs;
    this.#state.timers.set(deadlineMs, { type: "recovered" });
  }

  #call(framework: Framework, call: SubscribedCall, now: Moment): void {
    const state = this.#state;
    switch (call.type) {
      case "UPDATE_FRAMEWORK":
        return updateFramework(state, framework, call);
      case "TEARDOWN":
        return removeFramework(state, framework, now);
      case "ACCEPT":
        return accept(state, framework, call, now);
      case "DECLINE":
        return decline(state, framework, call, now);
      case "ACCEPT_INVERSE_OFFERS":
      case "DECLINE_INVERSE_OFFERS":
        return answerInverseOffers(state, framework, call, now);
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
        if (state.connectedAgent(call.agentId) === undefined) return;
        return state.order(call.agentId, {
          type: "shutdown-executor",
          frameworkId: framework.id,
          executorId: call.executorId,
        });
      case "ACKNOWLEDGE":
        return acknowledge(state, framework, call, now);
      case "RECONCILE":
        return reconcile(state, framework, call, now);
      case "RECONCILE_OPERATIONS":
        return reconcileOperations(state, framework, call);
      case "MESSAGE":
        if (state.connectedAgent(call.agentId) === undefined) return;
        return state.order(call.agentId, {
          type: "message",
          frameworkId: framework.id,
          executorId: call.executorId,
          data: call.data,
        });
      case "ACKNOWLEDGE_OPERATION_STATUS": // nobody has anything to be acknowledged
      case "REQUEST": // as with Mesos' own allocator
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
    const agent = this.#state.agents.get(task.agentId);
    // Said again when the agent is back, then without the policy.
    if (agent?.connected === false) agent.pendingKills.set(taskId, framework.id);
    else this.#state.order(task.agentId, { type: "kill-task", frameworkId: framework.id, taskId, killPolicy });
  }

  #wake(now: Moment): void {
    const { timers } = this.#state;
    for (let timer = timers.take(now.monotonicMs); timer !== undefined; timer = timers.take(now.monotonicMs)) {
      this.#due(timer, now);
    }
    if (this.#state.allocationWanted) this.#allocate(now);
  }

  #due(timer: MasterTimer, now: Moment): void {
    const state = this.#state;
    switch (timer.type) {
      case "allocate":
        state.allocationWanted = true;
        return this.#scheduleAllocation(now);
      case "heartbeat": {
        const framework = state.frameworks.get(timer.frameworkId);
        if (framework?.streamId !== timer.streamId) return;
        state.tell(framework, { type: "HEARTBEAT" });
        return state.timers.set(now.monotonicMs + state.settings.heartbeatIntervalMs, timer);
      }
      case "failover": {
        const framework = state.frameworks.get(timer.frameworkId);
        const away = framework?.streamId === null && framework.subscriptions === timer.subscriptions;
        return away ? removeFramework(state, framework, now) : undefined;
      }
      case "offer":
        return state.rescind(timer.offerId);
      case "inverse-offer":
        return state.rescindInverse(timer.offerId);
      case "ping":
        return pingAgent(state, timer.agent, now);
      case "reregister":
        return agentOverdue(state, timer.agent, timer.disconnections, now);
      case "recovered":
        return recoveryOver(state, now);
      default:
        return assertNever(timer);
    }
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
      const offer = this.#offer(framework, allocation, now);
      const offers = byFramework.get(framework);
      if (offers === undefined) byFramework.set(framework, [offer]);
      else offers.push(offer);
    }
    for (const [framework, offers] of byFramework) this.#state.tell(framework, { type: "OFFERS", offers });
    sendInverseOffers(this.#state, now);
  }

  #offer(framework: Framework, { agentId, role, resources }: Allocation, now: Moment): Offer {
    const state = this.#state;
    const offer = { id: state.newOfferId(), frameworkId: framework.id, agentId, role, resources };
    state.addOffer(offer);
    const { offerTimeoutMs } = state.settings;
    if (offerTimeoutMs !== undefined) {
      state.timers.set(now.monotonicMs + offerTimeoutMs, { type: "offer", offerId: offer.id });
    }
    return offerMessage(state, framework, offer);
  }
}
