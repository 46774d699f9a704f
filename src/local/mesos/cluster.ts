import type { Clock } from "../../base/clock.ts";
import { assertNever, invariant } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { AgentId } from "../../mesos/types.ts";
import type { Agent, AgentEvent } from "./agent/agent.ts";
import type { AgentJournal } from "./agent/agent-journal.ts";
import type { AgentMemory } from "./agent/agent-memory.ts";
import type { AgentCommand } from "./agent/agent-types.ts";
import type { ExecutorEndpoint } from "./agent/executor-endpoint.ts";
import type { Containerizer } from "./containers/containerizer.ts";
import type { Master, MasterEvent } from "./master/master.ts";
import type { MasterCommand } from "./master/master-state.ts";
import type { SchedulerEndpoint } from "./master/scheduler-endpoint.ts";
import type { Moment } from "./moment.ts";

/** An agent's core and what carries out its commands. */
export interface AgentNode {
  readonly id: AgentId;
  readonly agent: Agent;
  readonly endpoint: ExecutorEndpoint;
  readonly containers: Pick<Containerizer, "launch" | "adopt" | "update" | "destroy">;
  readonly journal: Pick<AgentJournal, "append">;
}

type Work =
  | { readonly to: "master"; readonly event: MasterEvent }
  | { readonly to: AgentNode; readonly event: AgentEvent };

export interface ClusterOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly master: Master;
  readonly schedulers: SchedulerEndpoint;
}

/** Carries events and commands between the cores, in order, and wakes them at their deadlines. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #nodes = new Map<AgentId, AgentNode>();
  #work: Work[] = [];
  /** How far the work has been taken. */
  #at = 0;
  #working = false;
  #alarm: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #wakeSoon = false;
  #closed = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.master.start(this.#now());
    this.#setAlarm();
  }

  /** Adds an agent and lets it register, with what it remembers of an earlier life. */
  addAgent(node: AgentNode, memory: AgentMemory): void {
    this.#nodes.set(node.id, node);
    this.#performAgent(node, node.agent.start(memory, this.#now()));
    this.#drain();
  }

  toMaster(event: MasterEvent): void {
    this.#work.push({ to: "master", event });
    this.#drain();
  }

  toAgent(id: AgentId, event: AgentEvent): void {
    this.#work.push({ to: this.#node(id), event });
    this.#drain();
  }

  /** No alarm goes off any more. */
  close(): void {
    this.#closed = true;
    this.#alarm?.cancel();
  }

  #drain(): void {
    if (this.#working) return;
    this.#working = true;
    try {
      for (let work = this.#take(); work !== undefined; work = this.#take()) {
        const now = this.#now();
        if (work.to === "master") this.#performMaster(this.#options.master.step(work.event, now));
        else this.#performAgent(work.to, work.to.agent.step(work.event, now));
      }
    } finally {
      this.#working = false;
      this.#setAlarm();
    }
  }

  /** The oldest piece of work; the list is emptied in one go, so that taking is cheap. */
  #take(): Work | undefined {
    const work = this.#work[this.#at++];
    if (work === undefined) {
      this.#work = [];
      this.#at = 0;
    }
    return work;
  }

  #performMaster(commands: readonly MasterCommand[]): void {
    const { schedulers, log } = this.#options;
    for (const command of commands) {
      switch (command.type) {
        case "send":
          schedulers.send(command.streamId, command.event);
          break;
        case "end":
          schedulers.end(command.streamId);
          break;
        case "order":
          this.#work.push({ to: this.#node(command.agentId), event: { type: "order", order: command.order } });
          break;
        case "note":
          log.warn(command.message, command.fields);
          break;
        default:
          assertNever(command);
      }
    }
  }

  #performAgent(node: AgentNode, commands: readonly AgentCommand[]): void {
    for (const command of commands) {
      switch (command.type) {
        case "report":
          this.#work.push({ to: "master", event: { type: "agent", agentId: node.id, report: command.report } });
          break;
        case "send":
          node.endpoint.send(command.streamId, command.event);
          break;
        case "end":
          node.endpoint.end(command.streamId);
          break;
        case "launch":
          node.containers.launch(command.container);
          break;
        case "adopt":
          node.containers.adopt(command.container);
          break;
        case "resize":
          node.containers.update(command.containerId, command.resources);
          break;
        case "remember":
          node.journal.append(command.fact);
          break;
        case "destroy":
          node.containers.destroy(command.containerId);
          break;
        default:
          assertNever(command);
      }
    }
  }

  /** Wakes the cores at their next deadline. What is wanted at once waits for the end of the turn, and so coalesces. */
  #setAlarm(): void {
    if (this.#closed) return;
    const nextMs = this.#nextWakeMs();
    if (nextMs === undefined) return;
    if (nextMs <= 0) {
      if (this.#wakeSoon) return;
      this.#wakeSoon = true;
      setImmediate(() => {
        this.#wakeSoon = false;
        this.#wake();
      });
      return;
    }
    // An alarm that is too early does no harm: most deadlines only ever move on.
    if (this.#alarm !== undefined && this.#alarm.atMs <= nextMs) return;
    this.#alarm?.cancel();
    const { clock } = this.#options;
    const cancel = clock.schedule(nextMs - clock.monotonicMs(), () => {
      this.#alarm = undefined;
      this.#wake();
    });
    this.#alarm = { atMs: nextMs, cancel };
  }

  #nextWakeMs(): number | undefined {
    let next = this.#options.master.nextWakeMs;
    for (const { agent } of this.#nodes.values()) {
      const wanted = agent.nextWakeMs;
      if (wanted !== undefined && (next === undefined || wanted < next)) next = wanted;
    }
    return next;
  }

  #wake(): void {
    if (this.#closed) return;
    const nowMs = this.#options.clock.monotonicMs();
    for (const node of this.#nodes.values()) {
      const wanted = node.agent.nextWakeMs;
      if (wanted !== undefined && wanted <= nowMs) this.#work.push({ to: node, event: { type: "wake" } });
    }
    this.#work.push({ to: "master", event: { type: "wake" } });
    this.#drain();
  }

  #now(): Moment {
    const { clock } = this.#options;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  }

  #node(id: AgentId): AgentNode {
    const node = this.#nodes.get(id);
    invariant(node !== undefined, `Cluster does not know agent ${id}`);
    return node;
  }
}
