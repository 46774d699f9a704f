import { assertNever, invariant } from "../../../base/errors.ts";
import type { Random } from "../../../base/random.ts";
import type { ExecutorCall } from "../../../mesos/executor-api.ts";
import type { ExecutorId, FrameworkId, TaskStatus } from "../../../mesos/types.ts";
import type { AgentOrder } from "../agent-messages.ts";
import type { CallRefusal } from "../call-refusal.ts";
import type { ContainerEvent } from "../containers/containerizer.ts";
import type { Moment } from "../moment.ts";
import type { AgentFact, AgentMemory } from "./agent-memory.ts";
import { carryOut } from "./agent-orders.ts";
import { endRecovery, factsOf, recover } from "./agent-recovery.ts";
import { AgentState } from "./agent-state.ts";
import type { AgentCommand, AgentSettings, Executor, ExecutorStreamId } from "./agent-types.ts";
import { endAgent } from "./drain.ts";
import { subscribeExecutor, updateByExecutor } from "./executor-calls.ts";
import { executorExited, executorOverdue, launchFailed, notCreated, shutdownExecutor } from "./executors.ts";
import { loseMaster, register } from "./registration.ts";

interface FromExecutor {
  readonly frameworkId: FrameworkId;
  readonly executorId: ExecutorId;
}

export type AgentEvent =
  /** From the master. */
  | { readonly type: "order"; readonly order: AgentOrder }
  /** Calls of executors, which {@link Agent.refusal} has let pass. */
  | ({
      readonly type: "subscribe";
      readonly streamId: ExecutorStreamId;
      readonly call: Extract<ExecutorCall, { type: "SUBSCRIBE" }>;
    } & FromExecutor)
  | ({ readonly type: "update"; readonly status: TaskStatus } & FromExecutor)
  | ({ readonly type: "message"; readonly data: Uint8Array } & FromExecutor)
  | ContainerEvent
  /** The connection to the master broke, or stands again, perhaps to another one. */
  | { readonly type: "link"; readonly up: false }
  | { readonly type: "link"; readonly up: true; readonly masterHostname?: string }
  /** Leaves the master for good, and ends as by `stop`. */
  | { readonly type: "leave" }
  /** Shuts every executor down, each with its grace period. */
  | { readonly type: "stop" }
  /** A deadline of {@link Agent.nextWakeMs} has come. */
  | { readonly type: "wake" };

/**
 * An agent: it starts executors, hands them tasks, and owns the delivery of their status updates. Events in, commands
 * out; no I/O and no clock inside, chance comes with the constructor.
 *
 * As with real agents the loss of an executor's stream goes unnoticed: what is sent meanwhile is lost.
 */
export class Agent {
  readonly #state: AgentState;

  constructor(settings: AgentSettings, random: Random) {
    this.#state = new AgentState(settings, random);
  }

  /** For views and tests. */
  get state(): Readonly<AgentState> {
    return this.#state;
  }

  /** When the next `wake` is wanted, on the monotonic clock. */
  get nextWakeMs(): number | undefined {
    const [a, b] = [this.#state.timers.nextMs, this.#state.updates.nextWakeMs];
    return a === undefined ? b : b === undefined ? a : Math.min(a, b);
  }

  /** How many executors have a process. */
  get liveExecutors(): number {
    return this.#state.containers.size;
  }

  /**
   * Registers with the master: at once, or after executors of an earlier life have had `executor_reregistration_timeout`
   * to subscribe again.
   */
  start(memory: AgentMemory, now: Moment): AgentCommand[] {
    const { timers, settings } = this.#state;
    if (recover(this.#state, memory, now)) {
      this.#state.phase = "recovering";
      timers.set(now.monotonicMs + settings.executorReregistrationTimeoutMs, { type: "recovered" });
    } else {
      register(this.#state, now);
    }
    return this.#state.takeCommands();
  }

  /** All that is to be remembered over a restart. */
  facts(): AgentFact[] {
    return factsOf(this.#state);
  }

  /** Why an executor's call is refused, by the ids that it carries. */
  refusal(frameworkId: FrameworkId, executorId: ExecutorId, type: ExecutorCall["type"]): CallRefusal | undefined {
    if (type === "HEARTBEAT") return undefined;
    if (!this.#state.frameworks.has(frameworkId)) return { status: 400, message: "Framework cannot be found" };
    const executor = this.#state.findExecutor(frameworkId, executorId);
    if (executor === undefined) return { status: 400, message: "Executor cannot be found" };
    if (type === "SUBSCRIBE" || executor.streamId !== null) return undefined;
    return { status: 403, message: "Executor is not subscribed" };
  }

  step(event: AgentEvent, now: Moment): AgentCommand[] {
    const state = this.#state;
    switch (event.type) {
      case "order":
        carryOut(state, event.order, now);
        break;
      case "subscribe":
        subscribeExecutor(state, this.#caller(event), event.streamId, event.call, now);
        break;
      case "update":
        updateByExecutor(state, this.#caller(event), event.status, now);
        break;
      case "message": {
        const { frameworkId, executorId, data } = event;
        state.report({ type: "message", frameworkId, executorId, data });
        break;
      }
      case "started": {
        const { containerId, process } = event;
        const executor = state.container(containerId);
        executor.process = process;
        state.remember(executor.frameworkId, { type: "process", containerId, ...process });
        // Shut down before its launch was complete: no grace period, as at a real agent.
        if (executor.phase === "terminating") state.command({ type: "destroy", containerId });
        break;
      }
      case "not-created":
        notCreated(state, state.container(event.containerId), event.message, now);
        break;
      case "launch-failed":
        launchFailed(state, state.container(event.containerId), event.message, now);
        break;
      case "exited":
        executorExited(state, state.container(event.containerId), event, now);
        break;
      case "link":
        if (event.up) {
          if (event.masterHostname !== undefined) state.masterHostname = event.masterHostname;
          register(state, now);
        } else loseMaster(state);
        break;
      case "leave":
        state.report({ type: "unregistered" });
        endAgent(state, now);
        break;
      case "stop":
        for (const executor of state.containers.values()) shutdownExecutor(state, executor, now);
        break;
      case "wake":
        this.#wake(now);
        break;
      default:
        assertNever(event);
    }
    return state.takeCommands();
  }

  #wake(now: Moment): void {
    const { timers, updates } = this.#state;
    for (let timer = timers.take(now.monotonicMs); timer !== undefined; timer = timers.take(now.monotonicMs)) {
      if (timer.type === "recovered") {
        endRecovery(this.#state);
        register(this.#state, now);
      } else {
        executorOverdue(this.#state, timer);
      }
    }
    updates.wake(now.monotonicMs);
  }

  #caller({ frameworkId, executorId }: FromExecutor): Executor {
    const executor = this.#state.findExecutor(frameworkId, executorId);
    invariant(executor !== undefined, `Agent does not know executor ${executorId} of framework ${frameworkId}`);
    return executor;
  }
}
