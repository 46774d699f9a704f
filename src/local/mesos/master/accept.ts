import { assertNever } from "../../../base/errors.ts";
import { repeatedIn } from "../../../base/repeated.ts";
import type {
  ExecutorId,
  ExecutorInfo,
  OfferId,
  OperationId,
  Resource,
  TaskInfo,
  TaskState,
} from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import { Resources } from "../resources.ts";
import { shownOf } from "../views/shown.ts";
import { refuseMs } from "./filters.ts";
import type { CallOf, MasterState } from "./master-state.ts";
import { lostState, tellStatus } from "./master-statuses.ts";
import type { Framework, KnownAgent, OutstandingOffer } from "./master-types.ts";
import { groupProblem } from "./task-group-validation.ts";
import { type LaunchContext, malformedResource, taskProblem } from "./task-validation.ts";

/** ACCEPT: launches tasks on the sum of the offers; what they leave goes back under a filter. */
export function accept(state: MasterState, framework: Framework, call: CallOf<"ACCEPT">, now: Moment): void {
  const problem = offersProblem(state, framework, call.offerIds);
  const offers = takeOwnOffers(state, framework, call.offerIds);
  const first = offers[0];
  const agent = first === undefined ? undefined : state.agents.get(first.agentId);
  if (problem !== undefined || first === undefined || agent === undefined) {
    for (const offer of offers) state.allocator.release(offer);
    const message = `Task launched with invalid offers: ${problem ?? "No offers specified"}`;
    for (const task of tasksOf(call)) {
      refuse(state, framework, task, lostState(framework, "TASK_DROPPED"), "REASON_INVALID_OFFERS", message, now);
    }
    for (const operation of call.operations) {
      if (operation.type !== "UNSUPPORTED") continue;
      const why = `Operation attempted with invalid offers: ${problem ?? "No offers specified"}`;
      state.refuseOperation(framework, operation.id, why);
    }
    return;
  }
  const launch = new Launch(state, framework, agent, first.role, sum(offers), now);
  for (const operation of call.operations) {
    switch (operation.type) {
      case "LAUNCH":
        launch.tasks(operation.taskInfos, operation.id);
        break;
      case "LAUNCH_GROUP":
        launch.group(operation.executor, operation.taskInfos, operation.id);
        break;
      case "UNSUPPORTED":
        state.note("operation skipped", { frameworkId: framework.id, operation: operation.value });
        state.refuseOperation(
          framework,
          operation.id,
          `${operation.value} operations are not supported by Brigade's embedded Mesos`,
        );
        break;
      default:
        assertNever(operation);
    }
  }
  const filterMs = refuseMs(call.filters, state.settings.allocationIntervalMs);
  const rest = { frameworkId: framework.id, role: first.role, agentId: agent.id, resources: launch.available };
  state.allocator.release(rest, filterMs === undefined ? undefined : now.monotonicMs + filterMs);
}

/** DECLINE; offers that are unknown or not the framework's are ignored. */
export function decline(state: MasterState, framework: Framework, call: CallOf<"DECLINE">, now: Moment): void {
  const filterMs = refuseMs(call.filters, state.settings.allocationIntervalMs);
  for (const offer of takeOwnOffers(state, framework, call.offerIds)) {
    state.allocator.release(offer, filterMs === undefined ? undefined : now.monotonicMs + filterMs);
  }
}

class Launch {
  available: Resources;
  readonly #state: MasterState;
  readonly #framework: Framework;
  readonly #agent: KnownAgent;
  readonly #role: string;
  readonly #now: Moment;

  constructor(
    state: MasterState,
    framework: Framework,
    agent: KnownAgent,
    role: string,
    available: Resources,
    now: Moment,
  ) {
    this.#state = state;
    this.#framework = framework;
    this.#agent = agent;
    this.#role = role;
    this.available = available;
    this.#now = now;
  }

  /** Each task on its own, in order: a bad one gets TASK_ERROR and the others go on. */
  tasks(tasks: readonly TaskInfo[], operationId: OperationId | undefined): void {
    const malformed = operationIdProblem("LAUNCH", operationId) ?? malformedResource(tasks);
    for (const task of tasks) {
      const problem = malformed ?? taskProblem(task, this.#context(task.executor));
      if (problem === undefined) this.#launch([task], task.executor, false);
      else this.#refuse(task, "REASON_TASK_INVALID", problem);
    }
  }

  /** All tasks of a group, or none. */
  group(executor: ExecutorInfo, tasks: readonly TaskInfo[], operationId: OperationId | undefined): void {
    const problem =
      operationIdProblem("LAUNCH_GROUP", operationId) ??
      malformedResource(tasks, executor) ??
      groupProblem(executor, tasks, this.#context(executor));
    if (problem === undefined) this.#launch(tasks, executor, true);
    else for (const task of tasks) this.#refuse(task, "REASON_TASK_GROUP_INVALID", problem);
  }

  #context(executor: ExecutorInfo | undefined): LaunchContext {
    const [framework, agentId] = [this.#framework, this.#agent.id];
    const existing =
      executor === undefined ? undefined : this.#state.executor(agentId, framework.id, executor.executorId);
    return { framework, agentId, role: this.#role, available: this.available, existing };
  }

  #launch(infos: readonly TaskInfo[], wanted: ExecutorInfo | undefined, isGroup: boolean): void {
    const [state, framework, agent, role] = [this.#state, this.#framework, this.#agent, this.#role];
    const executor = wanted && {
      ...wanted,
      frameworkId: framework.id,
      resources: allocated(wanted.resources, role),
    };
    const known = executor && state.executor(agent.id, framework.id, executor.executorId);
    if (executor !== undefined && known === undefined) {
      const resources = Resources.of(executor.resources);
      this.available = this.available.minus(resources);
      state.addExecutor(agent, framework.id, { info: executor, role, resources });
    }
    const tasks = infos.map((info) => ({
      ...info,
      resources: allocated(info.resources, role),
      ...(executor === undefined ? {} : { executor }),
    }));
    for (const task of tasks) this.#charge(task, executor?.executorId);
    const launchExecutor = known === undefined;
    state.order(agent.id, { type: "run-tasks", framework: framework.info, tasks, isGroup, executor, launchExecutor });
  }

  #charge(task: TaskInfo, executorId: ExecutorId | undefined): void {
    const resources = Resources.of(task.resources);
    this.available = this.available.minus(resources);
    this.#state.addTask(this.#framework, {
      taskId: task.taskId,
      name: task.name,
      frameworkId: this.#framework.id,
      agentId: this.#agent.id,
      executorId,
      role: this.#role,
      resources,
      labels: task.labels,
      shown: shownOf(task),
      state: "TASK_STAGING",
      forwarded: undefined,
      statuses: [],
    });
  }

  #refuse(task: TaskInfo, reason: string, message: string): void {
    refuse(this.#state, this.#framework, task, "TASK_ERROR", reason, message, this.#now);
  }
}

function refuse(
  state: MasterState,
  framework: Framework,
  { taskId, agentId }: TaskInfo,
  taskState: TaskState,
  reason: string,
  message: string,
  now: Moment,
): void {
  tellStatus(state, framework, { taskId, agentId, state: taskState, reason, message }, now);
}

function operationIdProblem(operation: string, id: OperationId | undefined): string | undefined {
  return id === undefined ? undefined : `The \`id\` field cannot be set on ${operation} operations`;
}

/** Why the offers of a call cannot be accepted together, in Mesos' words and in the order of its checks. */
function offersProblem(state: MasterState, framework: Framework, offerIds: readonly OfferId[]): string | undefined {
  if (offerIds.length === 0) return "No offers specified";
  const [repeated] = repeatedIn(offerIds);
  if (repeated !== undefined) return `Duplicate offer ${repeated} in offer list`;
  const offers: OutstandingOffer[] = [];
  for (const id of offerIds) {
    const offer = state.offers.get(id);
    if (offer === undefined) return `Offer ${id} is no longer valid`;
    offers.push(offer);
  }
  const foreign = offers.find(({ frameworkId }) => frameworkId !== framework.id);
  if (foreign !== undefined) {
    const { id, frameworkId } = foreign;
    return `Offer ${id} has invalid framework ${frameworkId} while framework ${framework.id} is expected`;
  }
  const [first] = offers;
  for (const { id, role, agentId } of offers) {
    if (first !== undefined && role !== first.role) {
      const uses = `Offer ${id} uses role '${role} but another is using role '${first.role}`;
      return `Aggregated offers must be allocated to the same role. ${uses}`;
    }
    if (first !== undefined && agentId !== first.agentId) {
      const uses = `Offer ${id} uses agent ${agentId} and agent ${first.agentId}`;
      return `Aggregated offers must belong to one single agent. ${uses}`;
    }
  }
  return undefined;
}

function takeOwnOffers(state: MasterState, framework: Framework, ids: readonly OfferId[]): OutstandingOffer[] {
  const offers: OutstandingOffer[] = [];
  for (const id of ids) {
    const offer = framework.offers.has(id) ? state.takeOffer(id) : undefined;
    if (offer !== undefined) offers.push(offer);
  }
  return offers;
}

function tasksOf(call: CallOf<"ACCEPT">): TaskInfo[] {
  return call.operations.flatMap((operation) => (operation.type === "UNSUPPORTED" ? [] : operation.taskInfos));
}

function sum(offers: readonly OutstandingOffer[]): Resources {
  return offers.reduce((all, { resources }) => all.plus(resources), Resources.none);
}

function allocated(resources: readonly Resource[] | undefined, role: string): Resource[] {
  return (resources ?? []).map((resource) => ({ ...resource, allocationInfo: { role } }));
}
