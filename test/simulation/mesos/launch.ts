import type { ExecutorInfo, OfferId, TaskInfo, TaskState } from "../../../src/mesos/types.ts";
import { cpusOf } from "./agent.ts";
import type { Allocator } from "./allocator.ts";
import { type Framework, type KnownAgent, keyOf, type MasterState, type MasterTask } from "./master-state.ts";

/** What a master makes of an ACCEPT: it checks each task, and sends it to its agent or refuses it. */
export class Launch {
  readonly #state: MasterState;
  readonly #allocator: Allocator;

  constructor(state: MasterState, allocator: Allocator) {
    this.#state = state;
    this.#allocator = allocator;
  }

  accept(framework: Framework, offerIds: readonly OfferId[], infos: readonly TaskInfo[], refuseSeconds: number): void {
    const offers = offerIds.map((id) => this.#state.offers.get(id));
    const valid = offers.every((offer) => offer?.frameworkId === framework.id && offer.agentId === offers[0]?.agentId);
    for (const id of offerIds) this.#state.offers.delete(id);
    let free = 0;
    for (const offer of offers) free += offer?.milliCpus ?? 0;
    for (const info of infos) {
      const agent = this.#state.agents.get(info.agentId);
      if (!valid)
        this.#answer(framework, info, "TASK_DROPPED", "REASON_INVALID_OFFERS", "Task launched with invalid offers");
      else if (agent?.state !== "registered")
        this.#answer(framework, info, "TASK_DROPPED", "REASON_AGENT_REMOVED", "Agent removed");
      else free -= this.#launch(framework, agent, info, free);
    }
    const [first] = offers;
    if (valid && first !== undefined) this.#allocator.filter(framework, first.agentId, free, refuseSeconds);
  }

  /** @returns what it takes of the offers */
  #launch(framework: Framework, agent: KnownAgent, info: TaskInfo, free: number): number {
    const { executor, taskId } = info;
    if (executor === undefined) throw new Error(`task ${taskId} has no executor`);
    const invalid = (message: string): number => {
      this.#answer(framework, info, "TASK_ERROR", "REASON_TASK_INVALID", message);
      return 0;
    };
    const key = keyOf(framework.id, taskId);
    for (const other of this.#state.agents.values())
      if (other.tasks.has(key)) return invalid(`Task has duplicate ID: ${taskId}`);
    const executorKey = keyOf(framework.id, executor.executorId);
    const known = agent.executors.get(executorKey);
    if (known !== undefined && !sameExecutor(known.info, executor)) {
      return invalid("ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.");
    }
    const milliCpus = cpusOf(info.resources);
    const total = milliCpus + (known === undefined ? cpusOf(executor.resources) : 0);
    if (total > free) {
      return invalid(
        `Total resources cpus:${total} required by task and its executor is more than available cpus:${free}`,
      );
    }
    const { executorId } = executor;
    const task: MasterTask = {
      frameworkId: framework.id,
      taskId,
      executorId,
      milliCpus,
      agentId: agent.id,
      latest: "TASK_STAGING",
      forwarded: undefined,
    };
    agent.tasks.set(key, task);
    if (known === undefined) agent.executors.set(executorKey, { frameworkId: framework.id, info: executor });
    agent.link?.send({ type: "run", frameworkId: framework.id, task: info, startsExecutor: known === undefined });
    return total;
  }

  #answer(framework: Framework, info: TaskInfo, state: TaskState, reason: string, message: string): void {
    const { taskId, agentId } = info;
    this.#state.send(framework.id, {
      type: "UPDATE",
      status: { taskId, state, source: "SOURCE_MASTER", reason, message, agentId },
    });
  }
}

/** What a master compares: everything but labels and the grace period. */
function sameExecutor(a: ExecutorInfo, b: ExecutorInfo): boolean {
  const compared = ({ type, data, resources, command, name, source, container }: ExecutorInfo): unknown => [
    type,
    data,
    resources,
    command,
    name,
    source,
    container,
  ];
  return Bun.deepEquals(compared(a), compared(b));
}
