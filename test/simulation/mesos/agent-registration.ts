import { Wire } from "../network.ts";
import type { AgentState } from "./agent-state.ts";
import type { MessageToAgent, MessageToMaster } from "./cluster-messages.ts";

const REGISTER_AGAIN_MS = 500;

/** An agent's connection to its master: made anew, with all that the agent holds, whenever it is over. */
export class AgentRegistration {
  readonly #state: AgentState;
  readonly #onMessage: (message: MessageToAgent) => void;
  #partedUntilMs = 0;
  #link: { readonly toMaster: Wire; readonly toAgent: Wire; usable: boolean } | undefined;

  constructor(state: AgentState, onMessage: (message: MessageToAgent) => void) {
    this.#state = state;
    this.#onMessage = onMessage;
    state.tell = (message) => this.#tell(message);
    state.isHeard = () => this.#link?.usable === true;
  }

  /** Nothing passes between it and its master for a while. Both notice, and it registers anew. */
  part(ms: number): void {
    this.#partedUntilMs = Math.max(this.#partedUntilMs, this.#state.options.time.nowMs + ms);
    this.loseMaster();
  }

  /** Nothing parts it from its master any more. */
  heal(): void {
    this.#partedUntilMs = 0;
    this.register();
  }

  /** The connection to the master is over. */
  loseMaster(): void {
    if (this.#link === undefined) return;
    this.unlink();
    const { time, random } = this.#state.options;
    const pauseMs = Math.max(this.#partedUntilMs - time.nowMs, 0) + REGISTER_AGAIN_MS * (0.5 + random.next());
    time.schedule(pauseMs, () => this.register());
  }

  /** A message is lost on the way, which means a broken connection, which shows before long. */
  breakSoon(): void {
    const link = this.#link;
    const { time, random } = this.#state.options;
    time.schedule(1000 * random.next(), () => {
      if (this.#link === link) this.loseMaster();
    });
  }

  unlink(): void {
    this.#link?.toMaster.cut();
    this.#link?.toAgent.cut();
    this.#link = undefined;
    this.#state.options.onParted(this.#state.options.id);
  }

  register(): void {
    const { time, random, register, id, milliCpus } = this.#state.options;
    if (!this.#state.acts || this.#link !== undefined) return;
    const again = (): void => void time.schedule(REGISTER_AGAIN_MS * (0.5 + random.next()), () => this.register());
    if (time.nowMs < this.#partedUntilMs) return again();
    const link = { toMaster: new Wire(time, random), toAgent: new Wire(time, random), usable: false };
    this.#link = link;
    const message = {
      type: "register",
      tasks: [...this.#state.tasks.values()].map(({ info, executor, milliCpus, latest }) => ({
        frameworkId: executor.frameworkId,
        taskId: info.taskId,
        executorId: executor.info.executorId,
        milliCpus,
        state: latest,
      })),
      executors: [...this.#state.executors.values()]
        .filter(({ phase }) => phase !== "terminated")
        .map(({ frameworkId, info }) => ({ frameworkId, info })),
    } as const;
    const send = (out: MessageToAgent): void =>
      link.toAgent.send(() => {
        if (this.#link === link && this.#state.host === "up") this.#onMessage(out);
      });
    link.toMaster.send(() => {
      if (this.#link !== link) return;
      if (register({ agentId: id, hostname: id, milliCpus, send }, message)) {
        link.usable = true;
        this.#state.forwardAll();
      } else {
        this.#link = undefined;
        again();
      }
    });
  }

  #tell(message: MessageToMaster): void {
    const { toMaster, id } = this.#state.options;
    this.#link?.toMaster.send(() => toMaster(id, message));
  }
}
