import type { FrameworkCapability, FrameworkId, FrameworkInfo } from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import { frameworkProblem, rolesOf } from "./framework-validation.ts";
import type { Framework, MasterState, StreamId } from "./master-state.ts";

export interface Subscribe {
  readonly streamId: StreamId;
  /** Absent for a framework that subscribes for the first time. */
  readonly frameworkId: FrameworkId | undefined;
  readonly info: FrameworkInfo;
  readonly suppressedRoles: readonly string[];
}

/** SUBSCRIBE: a new framework, one that comes back, or one that takes over from a stream that is still open. */
export function subscribe(state: MasterState, request: Subscribe, now: Moment): void {
  const { streamId, frameworkId, info, suppressedRoles } = request;
  const known = frameworkId === undefined ? undefined : state.frameworks.get(frameworkId);
  const problem = refusal(state, request, known);
  if (problem !== undefined) {
    state.tellStream(streamId, { type: "ERROR", message: problem });
    state.endStream(streamId);
    return;
  }
  const framework = known ?? addFramework(state, frameworkId ?? state.newFrameworkId(), info, now);
  const wasConnected = framework.streamId !== null;
  setInfo(state, framework, info, suppressedRoles);
  if (framework.streamId !== null) {
    state.tellStream(framework.streamId, { type: "ERROR", message: "Framework failed over" });
    state.endStream(framework.streamId);
  }
  returnOffers(state, framework);
  framework.streamId = streamId;
  state.streams.set(streamId, framework);
  framework.subscriptions++;
  state.allocator.activate(framework.id);
  // A takeover from a live stream waits for the next regular run.
  if (!wasConnected) state.allocationWanted = true;

  const { masterInfo, heartbeatIntervalMs } = state.settings;
  state.tell(framework, { type: "SUBSCRIBED", frameworkId: framework.id, heartbeatIntervalMs, masterInfo });
  state.tell(framework, { type: "HEARTBEAT" });
  const heartbeat = { type: "heartbeat", frameworkId: framework.id, streamId } as const;
  state.timers.set(now.monotonicMs + heartbeatIntervalMs, heartbeat);
  for (const agentId of state.agents.keys()) {
    state.order(agentId, { type: "update-framework", framework: framework.info });
  }
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
export function removeFramework(state: MasterState, framework: Framework): void {
  if (framework.streamId !== null) state.endStream(framework.streamId);
  framework.streamId = null;
  returnOffers(state, framework);
  for (const task of framework.tasks.values()) state.removeTask(framework, task);
  for (const agent of state.agents.values()) {
    for (const executorId of agent.executors.get(framework.id)?.keys() ?? []) {
      state.removeExecutor(agent, framework.id, executorId);
    }
    state.order(agent.id, { type: "shutdown-framework", frameworkId: framework.id });
  }
  state.allocator.removeFramework(framework.id);
  state.frameworks.delete(framework.id);
  state.completed.add(framework.id);
}

/** Also for a framework that only an agent has told of: it is known, but not connected and never timed out. */
export function addFramework(state: MasterState, id: FrameworkId, info: FrameworkInfo, now: Moment): Framework {
  const framework: Framework = {
    id,
    info: { ...info, id },
    roles: rolesOf(info),
    capabilities: capabilitiesOf(info),
    streamId: null,
    subscriptions: 0,
    tasks: new Map(),
    offers: new Set(),
    registeredMs: now.wallMs,
  };
  state.frameworks.set(id, framework);
  state.allocator.setFramework(id, framework.roles, []);
  return framework;
}

function refusal(state: MasterState, request: Subscribe, known: Framework | undefined): string | undefined {
  const { frameworkId, info, suppressedRoles } = request;
  const problem = frameworkProblem(info, frameworkId, suppressedRoles);
  if (problem !== undefined) return problem;
  if (frameworkId !== undefined && state.completed.has(frameworkId)) return "Framework has been removed";
  if (known !== undefined && known.info.principal !== info.principal) {
    return "Changing framework's principal is not allowed.";
  }
  return undefined;
}

/** A changed user or checkpoint is silently ignored. */
function setInfo(state: MasterState, framework: Framework, info: FrameworkInfo, suppressed: readonly string[]): void {
  const { user, checkpoint } = framework.info;
  framework.info = { ...info, id: framework.id, user, checkpoint: checkpoint ?? false };
  framework.roles = rolesOf(info);
  framework.capabilities = capabilitiesOf(info);
  for (const offerId of framework.offers) {
    const offer = state.offers.get(offerId);
    if (offer === undefined || framework.roles.includes(offer.role)) continue;
    state.tell(framework, { type: "RESCIND", offerId });
    state.takeOffer(offerId);
    state.allocator.release(offer);
  }
  state.allocator.setFramework(framework.id, framework.roles, suppressed);
}

/** Takes all offers back, without RESCIND and without a filter. */
function returnOffers(state: MasterState, framework: Framework): void {
  for (const offerId of framework.offers) {
    const offer = state.takeOffer(offerId);
    if (offer !== undefined) state.allocator.release(offer);
  }
}

function capabilitiesOf(info: FrameworkInfo): ReadonlySet<FrameworkCapability> {
  return new Set((info.capabilities ?? []).map(({ type }) => type ?? "UNKNOWN"));
}
