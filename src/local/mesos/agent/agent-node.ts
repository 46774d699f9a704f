import type { Clock } from "../../../base/clock.ts";
import { assertNever } from "../../../base/errors.ts";
import type { AgentReport } from "../agent-messages.ts";
import type { Containerizer } from "../containers/containerizer.ts";
import { CoreLoop } from "../core-loop.ts";
import type { Agent, AgentEvent } from "./agent.ts";
import type { AgentJournal } from "./agent-journal.ts";
import type { AgentMemory } from "./agent-memory.ts";
import type { AgentCommand } from "./agent-types.ts";
import type { ExecutorEndpoint } from "./executor-endpoint.ts";

export interface AgentNodeOptions {
  readonly agent: Agent;
  readonly executors: ExecutorEndpoint;
  readonly containers: Pick<Containerizer, "launch" | "adopt" | "update" | "destroy">;
  readonly journal: Pick<AgentJournal, "append" | "flush">;
  /** The way to the master. */
  readonly report: (report: AgentReport) => void;
  readonly clock: Clock;
}

/** An agent's core with what carries out its commands. */
export class AgentNode {
  readonly #options: AgentNodeOptions;
  readonly #loop: CoreLoop<AgentEvent, AgentCommand>;

  constructor(options: AgentNodeOptions) {
    this.#options = options;
    this.#loop = new CoreLoop(options.agent, { type: "wake" }, options.clock, (command) => this.#perform(command));
  }

  /** Registers with the master, with what is remembered of an earlier life. */
  start(memory: AgentMemory): void {
    this.#loop.begin(this.#options.agent.start(memory, this.#loop.now()));
  }

  dispatch(event: AgentEvent): void {
    this.#loop.dispatch(event);
  }

  close(): void {
    this.#loop.close();
  }

  #perform(command: AgentCommand): void {
    const { executors, containers, journal, report } = this.#options;
    // Nobody hears of what would be forgotten if the agent died now.
    if (command.type !== "remember") journal.flush();
    switch (command.type) {
      case "report":
        return report(command.report);
      case "send":
        return executors.send(command.streamId, command.event);
      case "end":
        return executors.end(command.streamId);
      case "launch":
        return containers.launch(command.container);
      case "adopt":
        return containers.adopt(command.container);
      case "resize":
        return containers.update(command.containerId, command.resources, command.limits);
      case "destroy":
        return containers.destroy(command.containerId);
      case "remember":
        return journal.append(command.fact);
      default:
        return assertNever(command);
    }
  }
}
