import {
  type FrameworkCapability,
  type FrameworkId,
  type FrameworkInfo,
  isTerminal,
  type OfferConstraints,
} from "../../../mesos/types.ts";
import { BoundedMap } from "../bounded-map.ts";
import type { Moment } from "../moment.ts";
import { frameworkChangeProblem, frameworkProblem, rolesOf, suppressedProblem } from "./framework-validation.ts";
import type { CallOf, MasterState } from "./master-state.ts";
import { masterStatus } from "./master-statuses.ts";
import { completeTask, type Framework, noteStatus, type StreamId } from "./master-types.ts";
import { isWanted, wishesProblem } from "./offer-wishes.ts";

export interface Subscribe {
  readonly streamId: StreamId;
  /** Absent for a framework that subscribes for the first time. */
  readonly frameworkId: FrameworkId | undefined;
  readonly info: FrameworkInfo;
  readonly suppressedRoles: readonly string[];
  readonly offerConstraints?: OfferConstraints | undefined;
}

/** As on a real master. */
const KEPT_TASKS = 1000;

/** SUBSCRIBE: a new framework, one that comes back, or one that takes over from a stream that is still open. */
export function subscribe(state: MasterState, request: Subscribe, now: Moment): void {
  const { streamId, frameworkId, info, suppressedRoles, offerConstraints } = request;
  const known = frameworkId === undefined ? undefined : state.frameworks.get(frameworkId);
  const problem = refusal(state, request, known);
  if (problem !== undefined) {
    state.tellStream(streamId, { type: "ERROR", message: problem });
    state.endStream(streamId);
    return;
  }
  const framework = known ?? addFramework(state, frameworkId ?? state.newFrameworkId(), info, now);
  const wasConnected = framework.streamId !== null;
  const { user, checkpoint } = framework.info;
  // A changed user or checkpoint is silently ignored.
  setInfo(state, framework, { ...info, user, checkpoint: checkpoint ?? false }, suppressedRoles, offerConstraints);
  if (framework.streamId !== null) {
    state.tellStream(framework.streamId, { type: "ERROR", message: "Framework failed over" });
    state.endStream(framework.streamId);
  }
  returnOffers(state, framework);
  framework.streamId = streamId;
  state.streams.set(streamId, framework);
  if (framework.subscriptions++ > 0) framework.reregisteredMs = now.wallMs;
  state.allocator.activate(framework.id);
  // A takeover from a live stream waits for the next regular run.
  if (!wasConnected) state.allocationWanted = true;

  const { masterInfo, heartbeatIntervalMs } = state.settings;
  state.tell(framework, { type: "SUBSCRIBED", frameworkId: framework.id, heartbeatIntervalMs, masterInfo });
  state.tell(framework, { type: "HEARTBEAT" });
  const heartbeat = { type: "heartbeat", frameworkId: framework.id, streamId } as const;
  state.timers.set(now.monotonicMs + heartbeatIntervalMs, heartbeat);
  if (known !== undefined) tellAgents(state, framework);
}

/** Why UPDATE_FRAMEWORK is refused, in the words of the answer. */
export function updateProblem(framework: Framework, call: CallOf<"UPDATE_FRAMEWORK">): string | undefined {
  const { frameworkInfo: info, suppressedRoles = [], offerConstraints } = call;
  const own = frameworkProblem(info, framework.id, [], undefined);
  if (own !== undefined) return `Supplied FrameworkInfo is not valid: ${own}`;
  const change = frameworkChangeProblem(framework.info, info);
  if (change !== undefined) return `FrameworkInfo update is not valid: ${change}`;
  const roles = rolesOf(info);
  const problem =
    suppressedProblem(roles, suppressedRoles) ??
    wishesProblem({ constraints: offerConstraints, filters: undefined }, roles);
  return problem === undefined ? undefined : `'UpdateFramework' call is not valid: ${problem}`;
}

/** UPDATE_FRAMEWORK, with {@link updateProblem} ruled out. What is newly allowed waits for the next regular run. */
export function updateFramework(state: MasterState, framework: Framework, call: CallOf<"UPDATE_FRAMEWORK">): void {
  const { frameworkInfo, suppressedRoles = [], offerConstraints } = call;
  const { principal } = framework.info;
  const info = principal === undefined ? frameworkInfo : { ...frameworkInfo, principal };
  setInfo(state, framework, info, suppressedRoles, offerConstraints);
  tellAgents(state, framework);
}

/** A connection has gone; the framework's tasks run on until `failover_timeout` is over. */
export function disconnect(state: MasterState, streamId: StreamId, now: Moment): void {
  const framework = state.streams.get(streamId);
  if (framework === undefined) return;
  state.streams.delete(streamId);
  framework.streamId = null;
  returnOffers(state, framework);
  state.allocator.deactivate(framework.id);
  const timeoutMs = Math.max(0, (framework.info.failoverTimeout ?? 0) * 1000);
  const { id: frameworkId, subscriptions } = framework;
  state.timers.set(now.monotonicMs + timeoutMs, { type: "failover", frameworkId, subscriptions });
}

/** TEARDOWN, or the end of `failover_timeout`: executors are shut down and the id becomes unusable. */
export function removeFramework(state: MasterState, framework: Framework, now: Moment): void {
  if (framework.streamId !== null) state.endStream(framework.streamId);
  framework.streamId = null;
  returnOffers(state, framework);
  for (const task of framework.tasks.values()) {
    state.removeTask(framework, task);
    if (!isTerminal(task.state)) {
      const { taskId, agentId, executorId } = task;
      const verdict = {
        taskId,
        agentId,
        executorId,
        state: "TASK_KILLED",
        reason: "REASON_FRAMEWORK_REMOVED",
      } as const;
      task.state = "TASK_KILLED";
      noteStatus(task, masterStatus({ ...verdict, message: `Framework ${framework.id} removed` }, now));
    }
    completeTask(framework, task);
  }
  for (const agent of state.agents.values()) {
    for (const executorId of agent.executors.get(framework.id)?.keys() ?? []) {
      state.removeExecutor(agent, framework.id, executorId);
    }
    state.order(agent.id, { type: "shutdown-framework", frameworkId: framework.id });
  }
  state.allocator.removeFramework(framework.id);
  state.frameworks.delete(framework.id);
  framework.unregisteredMs = now.wallMs;
  state.completed.set(framework.id, framework);
}

/** Also for a framework that only an agent has told of: it is known, but not connected and never timed out. */
export function addFramework(state: MasterState, id: FrameworkId, info: FrameworkInfo, now: Moment): Framework {
  const framework: Framework = {
    id,
    info: { ...info, id },
    roles: rolesOf(info),
    suppressedRoles: new Set(),
    offerConstraints: undefined,
    capabilities: capabilitiesOf(info),
    streamId: null,
    subscriptions: 0,
    tasks: new Map(),
    unreachableTasks: new BoundedMap(KEPT_TASKS),
    completedTasks: new BoundedMap(KEPT_TASKS),
    completedCount: 0,
    offers: new Set(),
    registeredMs: now.wallMs,
    reregisteredMs: now.wallMs,
    unregisteredMs: undefined,
  };
  state.frameworks.set(id, framework);
  state.allocator.setFramework(id, framework.roles, []);
  return framework;
}

function refusal(state: MasterState, request: Subscribe, known: Framework | undefined): string | undefined {
  const { frameworkId, info, suppressedRoles, offerConstraints } = request;
  const problem = frameworkProblem(info, frameworkId, suppressedRoles, offerConstraints);
  if (problem !== undefined) return problem;
  if (frameworkId !== undefined && state.completed.has(frameworkId)) return "Framework has been removed";
  if (known !== undefined && known.info.principal !== info.principal) {
    return "Changing framework's principal is not allowed.";
  }
  return undefined;
}

/** Offers of roles that it has no longer are rescinded. */
function setInfo(
  state: MasterState,
  framework: Framework,
  info: FrameworkInfo,
  suppressed: readonly string[],
  constraints: OfferConstraints | undefined,
): void {
  framework.info = { ...info, id: framework.id };
  framework.roles = rolesOf(info);
  framework.suppressedRoles = new Set(suppressed);
  framework.offerConstraints = constraints;
  framework.capabilities = capabilitiesOf(info);
  for (const offerId of framework.offers) {
    const offer = state.offers.get(offerId);
    if (offer !== undefined && !framework.roles.includes(offer.role)) state.rescind(offerId);
  }
  state.allocator.setFramework(framework.id, framework.roles, suppressed, (role, agentId, resources) => {
    const agent = state.agents.get(agentId);
    const wishes = { constraints, filters: info.offerFilters };
    return agent !== undefined && isWanted(wishes, role, agent.info, resources);
  });
}

function tellAgents(state: MasterState, framework: Framework): void {
  for (const agentId of state.agents.keys()) {
    state.order(agentId, { type: "update-framework", framework: framework.info });
  }
}

/** Takes all offers back, without RESCIND and without a filter. */
function returnOffers(state: MasterState, framework: Framework): void {
  for (const offerId of framework.offers) {
    const offer = state.takeOffer(offerId);
    if (offer !== undefined) state.allocator.release(offer);
  }
  for (const { id, frameworkId } of state.inverseOffers.values()) {
    if (frameworkId === framework.id) state.takeInverseOffer(id);
  }
}

function capabilitiesOf(info: FrameworkInfo): ReadonlySet<FrameworkCapability> {
  return new Set((info.capabilities ?? []).map(({ type }) => type ?? "UNKNOWN"));
}
