import type { Clock } from "../../../base/clock.ts";
import { assertNever } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { AgentId } from "../../../mesos/types.ts";
import type { AgentOrder, FromAgent } from "../agent-messages.ts";
import { CoreLoop } from "../core-loop.ts";
import type { Master, MasterEvent } from "./master.ts";
import type { MasterCommand } from "./master-state.ts";
import type { SchedulerEndpoint } from "./scheduler-endpoint.ts";

/** The way from a master to an agent. What is said into one that has broken is lost. */
export interface AgentLink {
  order(order: AgentOrder): void;
}

export interface MasterNodeOptions {
  readonly master: Master;
  readonly schedulers: SchedulerEndpoint;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A master's core with what carries out its commands. */
export class MasterNode {
  readonly #options: MasterNodeOptions;
  readonly #links = new Map<AgentId, AgentLink>();
  readonly #loop: CoreLoop<MasterEvent, MasterCommand>;

  constructor(options: MasterNodeOptions) {
    this.#options = options;
    this.#loop = new CoreLoop(options.master, { type: "wake" }, options.clock, (command) => this.#perform(command));
  }

  start(): void {
    this.#options.master.start(this.#loop.now());
    this.#loop.begin();
  }

  dispatch(event: MasterEvent): void {
    this.#loop.dispatch(event);
  }

  /** An agent can be reached, and is about to register. */
  attach(agentId: AgentId, link: AgentLink): void {
    this.#links.set(agentId, link);
  }

  /** What an agent says, in its order. */
  report(report: FromAgent): void {
    this.#loop.dispatch({ type: "agent", ...report });
  }

  /** An agent's connection has broken; another one may have taken its place already. */
  detach(agentId: AgentId, link: AgentLink): void {
    if (this.#links.get(agentId) !== link) return;
    this.#links.delete(agentId);
    this.#loop.dispatch({ type: "agent-disconnected", agentId });
  }

  close(): void {
    this.#loop.close();
  }

  #perform(command: MasterCommand): void {
    const { schedulers, log } = this.#options;
    switch (command.type) {
      case "send":
        return schedulers.send(command.streamId, command.event);
      case "end":
        return schedulers.end(command.streamId);
      case "order":
        return this.#links.get(command.agentId)?.order(command.order);
      case "note":
        return log.warn(command.message, command.fields);
      default:
        return assertNever(command);
    }
  }
}
