import type { OfferOperation, SchedulerCall } from "../scheduler-api.ts";
import type {
  AgentId,
  ExecutorId,
  ExecutorInfo,
  Filters,
  FrameworkId,
  FrameworkInfo,
  KillPolicy,
  OfferId,
  TaskId,
  TaskInfo,
} from "../types.ts";
import { CodecError } from "./errors.ts";
import { demand } from "./message.ts";

interface WireOperation {
  readonly type?: string | number;
  readonly launch?: { readonly taskInfos: readonly TaskInfo[] };
  readonly launchGroup?: {
    readonly executor: ExecutorInfo;
    readonly taskGroup: { readonly tasks: readonly TaskInfo[] };
  };
}

/** `mesos.v1.scheduler.Call` as it stands on the wire: `type` names the one part that is set. */
export interface WireSchedulerCall {
  readonly frameworkId?: FrameworkId;
  readonly type?: string | number;
  readonly subscribe?: { readonly frameworkInfo: FrameworkInfo; readonly suppressedRoles?: readonly string[] };
  readonly accept?: {
    readonly offerIds?: readonly OfferId[];
    readonly operations?: readonly WireOperation[];
    readonly filters?: Filters;
  };
  readonly decline?: { readonly offerIds?: readonly OfferId[]; readonly filters?: Filters };
  readonly kill?: { readonly taskId: TaskId; readonly agentId?: AgentId; readonly killPolicy?: KillPolicy };
  readonly shutdown?: { readonly executorId: ExecutorId; readonly agentId: AgentId };
  readonly acknowledge?: { readonly agentId: AgentId; readonly taskId: TaskId; readonly uuid: Uint8Array };
  readonly reconcile?: { readonly tasks: readonly { readonly taskId: TaskId; readonly agentId?: AgentId }[] };
  readonly message?: { readonly agentId: AgentId; readonly executorId: ExecutorId; readonly data: Uint8Array };
  readonly revive?: { readonly roles: readonly string[] };
  readonly suppress?: { readonly roles: readonly string[] };
}

export interface AddressedSchedulerCall {
  /** undefined only in the SUBSCRIBE of a new framework. */
  readonly frameworkId: FrameworkId | undefined;
  readonly call: SchedulerCall;
}

/** @throws {CodecError} `invalid`, in the words and the order of Mesos' own validation; `unsupported` */
export function schedulerCallFromWire(wire: WireSchedulerCall): AddressedSchedulerCall {
  const { type, frameworkId } = wire;
  if (type === undefined || type === "UNKNOWN") throw new CodecError("invalid", "Expecting 'type' to be present");
  if (type === "SUBSCRIBE") return { frameworkId, call: { type, ...demand(wire.subscribe, "subscribe") } };
  return { frameworkId: demand(frameworkId, "framework_id"), call: bodyOf(wire) };
}

function bodyOf(wire: WireSchedulerCall): SchedulerCall {
  const { type } = wire;
  switch (type) {
    case "TEARDOWN":
      return { type };
    case "ACCEPT": {
      const { offerIds = [], operations = [], ...rest } = demand(wire.accept, "accept");
      return { type, offerIds, operations: operations.map(operationFromWire), ...rest };
    }
    case "DECLINE": {
      const { offerIds = [], ...rest } = demand(wire.decline, "decline");
      return { type, offerIds, ...rest };
    }
    case "REVIVE":
      return { type, ...rolesOf(wire.revive) };
    case "SUPPRESS":
      return { type, ...rolesOf(wire.suppress) };
    case "KILL":
      return { type, ...demand(wire.kill, "kill") };
    case "SHUTDOWN":
      return { type, ...demand(wire.shutdown, "shutdown") };
    case "ACKNOWLEDGE":
      return { type, ...demand(wire.acknowledge, "acknowledge") };
    case "RECONCILE":
      return { type, ...demand(wire.reconcile, "reconcile") };
    case "MESSAGE":
      return { type, ...demand(wire.message, "message") };
    case "ACCEPT_INVERSE_OFFERS":
    case "DECLINE_INVERSE_OFFERS":
    case "ACKNOWLEDGE_OPERATION_STATUS":
    case "RECONCILE_OPERATIONS":
    case "REQUEST":
    case "UPDATE_FRAMEWORK":
      throw new CodecError("unsupported", type);
    case undefined:
    default:
      throw new CodecError("invalid", "Expecting 'type' to be present");
  }
}

/** No roles at all and an empty list both mean every role of the framework. */
function rolesOf(part: { readonly roles: readonly string[] } | undefined): { roles?: readonly string[] } {
  return part === undefined || part.roles.length === 0 ? {} : part;
}

function operationFromWire({ type, launch, launchGroup }: WireOperation): OfferOperation {
  if (type === "LAUNCH") return { type, taskInfos: launch?.taskInfos ?? [] };
  if (type === "LAUNCH_GROUP" && launchGroup !== undefined) {
    return { type, executor: launchGroup.executor, taskInfos: launchGroup.taskGroup.tasks };
  }
  return { type: "UNSUPPORTED", value: String(type ?? "UNKNOWN") };
}

/** The id of a framework that is known must stand in SUBSCRIBE twice (mesos-v1: 400 otherwise); here it does. */
export function schedulerCallToWire(call: SchedulerCall, knownId: FrameworkId | undefined): object {
  const { type } = call;
  switch (type) {
    case "SUBSCRIBE": {
      const frameworkId = knownId ?? call.frameworkInfo.id;
      return { frameworkId, type, subscribe: { ...call, frameworkInfo: { ...call.frameworkInfo, id: frameworkId } } };
    }
    case "TEARDOWN":
      return { frameworkId: knownId, type };
    case "ACCEPT":
      return { frameworkId: knownId, type, accept: { ...call, operations: call.operations.map(operationToWire) } };
    case "DECLINE":
      return { frameworkId: knownId, type, decline: call };
    case "REVIVE":
      return { frameworkId: knownId, type, revive: call.roles === undefined ? undefined : call };
    case "SUPPRESS":
      return { frameworkId: knownId, type, suppress: call.roles === undefined ? undefined : call };
    case "KILL":
      return { frameworkId: knownId, type, kill: call };
    case "SHUTDOWN":
      return { frameworkId: knownId, type, shutdown: call };
    case "ACKNOWLEDGE":
      return { frameworkId: knownId, type, acknowledge: call };
    case "RECONCILE":
      return { frameworkId: knownId, type, reconcile: call };
    case "MESSAGE":
      return { frameworkId: knownId, type, message: call };
  }
}

function operationToWire(operation: OfferOperation): object {
  switch (operation.type) {
    case "LAUNCH":
      return { type: operation.type, launch: operation };
    case "LAUNCH_GROUP": {
      const { executor, taskInfos } = operation;
      return { type: operation.type, launchGroup: { executor, taskGroup: { tasks: taskInfos } } };
    }
    case "UNSUPPORTED":
      return { type: operation.value };
  }
}
