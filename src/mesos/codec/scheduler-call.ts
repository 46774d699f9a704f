import type { OfferOperation, SchedulerCall } from "../scheduler-api.ts";
import type {
  AgentId,
  ExecutorId,
  ExecutorInfo,
  Filters,
  FrameworkId,
  FrameworkInfo,
  KillPolicy,
  OfferConstraints,
  OfferId,
  OperationId,
  TaskId,
  TaskInfo,
} from "../types.ts";
import { CodecError } from "./errors.ts";
import { demand } from "./message.ts";

interface WireOperation {
  readonly type?: string | number;
  readonly id?: OperationId;
  readonly launch?: { readonly taskInfos: readonly TaskInfo[] };
  readonly launchGroup?: {
    readonly executor: ExecutorInfo;
    readonly taskGroup: { readonly tasks: readonly TaskInfo[] };
  };
}

interface WireInverseAnswer {
  readonly inverseOfferIds?: readonly OfferId[];
  readonly filters?: Filters;
}

interface WireSubscription {
  readonly frameworkInfo: FrameworkInfo;
  readonly suppressedRoles?: readonly string[];
  readonly offerConstraints?: OfferConstraints;
}

/** `mesos.v1.scheduler.Call` as it stands on the wire: `type` names the one part that is set. */
export interface WireSchedulerCall {
  readonly frameworkId?: FrameworkId;
  readonly type?: string | number;
  readonly subscribe?: WireSubscription;
  readonly updateFramework?: WireSubscription;
  readonly accept?: {
    readonly offerIds?: readonly OfferId[];
    readonly operations?: readonly WireOperation[];
    readonly filters?: Filters;
  };
  readonly decline?: { readonly offerIds?: readonly OfferId[]; readonly filters?: Filters };
  readonly acceptInverseOffers?: WireInverseAnswer;
  readonly declineInverseOffers?: WireInverseAnswer;
  readonly kill?: { readonly taskId: TaskId; readonly agentId?: AgentId; readonly killPolicy?: KillPolicy };
  readonly shutdown?: { readonly executorId: ExecutorId; readonly agentId: AgentId };
  readonly acknowledge?: { readonly agentId: AgentId; readonly taskId: TaskId; readonly uuid: Uint8Array };
  readonly reconcile?: { readonly tasks: readonly { readonly taskId: TaskId; readonly agentId?: AgentId }[] };
  readonly acknowledgeOperationStatus?: {
    readonly agentId?: AgentId;
    readonly uuid: Uint8Array;
    readonly operationId: OperationId;
  };
  readonly reconcileOperations?: {
    readonly operations: readonly { readonly operationId: OperationId; readonly agentId?: AgentId }[];
  };
  readonly request?: object;
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
    case "UPDATE_FRAMEWORK":
      return { type, ...demand(wire.updateFramework, "update_framework") };
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
      return { type, ...inverseAnswer(demand(wire.acceptInverseOffers, "accept_inverse_offers")) };
    case "DECLINE_INVERSE_OFFERS":
      return { type, ...inverseAnswer(demand(wire.declineInverseOffers, "decline_inverse_offers")) };
    case "ACKNOWLEDGE_OPERATION_STATUS":
      return { type, ...demand(wire.acknowledgeOperationStatus, "acknowledge_operation_status") };
    case "RECONCILE_OPERATIONS":
      return { type, ...demand(wire.reconcileOperations, "reconcile_operations") };
    case "REQUEST":
      demand(wire.request, "request");
      return { type };
    case undefined:
    default:
      throw new CodecError("invalid", "Expecting 'type' to be present");
  }
}

function inverseAnswer({ inverseOfferIds = [], ...rest }: WireInverseAnswer): {
  readonly inverseOfferIds: readonly OfferId[];
  readonly filters?: Filters;
} {
  return { inverseOfferIds, ...rest };
}

/** No roles at all and an empty list both mean every role of the framework. */
function rolesOf(part: { readonly roles: readonly string[] } | undefined): { roles?: readonly string[] } {
  return part === undefined || part.roles.length === 0 ? {} : part;
}

function operationFromWire({ type, id, launch, launchGroup }: WireOperation): OfferOperation {
  const named = id === undefined ? {} : { id };
  if (type === "LAUNCH") return { type, ...named, taskInfos: launch?.taskInfos ?? [] };
  if (type === "LAUNCH_GROUP" && launchGroup !== undefined) {
    return { type, ...named, executor: launchGroup.executor, taskInfos: launchGroup.taskGroup.tasks };
  }
  return { type: "UNSUPPORTED", value: String(type ?? "UNKNOWN"), id };
}

/** The id of a framework that is known must stand in SUBSCRIBE twice (mesos-v1: 400 otherwise); here it does. */
export function schedulerCallToWire(call: SchedulerCall, knownId: FrameworkId | undefined): object {
  const { type } = call;
  switch (type) {
    case "SUBSCRIBE": {
      const frameworkId = knownId ?? call.frameworkInfo.id;
      return { frameworkId, type, subscribe: { ...call, frameworkInfo: { ...call.frameworkInfo, id: frameworkId } } };
    }
    case "UPDATE_FRAMEWORK":
      return {
        frameworkId: knownId,
        type,
        updateFramework: { ...call, frameworkInfo: { ...call.frameworkInfo, id: knownId ?? call.frameworkInfo.id } },
      };
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
    case "ACCEPT_INVERSE_OFFERS":
      return { frameworkId: knownId, type, acceptInverseOffers: call };
    case "DECLINE_INVERSE_OFFERS":
      return { frameworkId: knownId, type, declineInverseOffers: call };
    case "ACKNOWLEDGE_OPERATION_STATUS":
      return { frameworkId: knownId, type, acknowledgeOperationStatus: call };
    case "RECONCILE_OPERATIONS":
      return { frameworkId: knownId, type, reconcileOperations: call };
    case "REQUEST":
      return { frameworkId: knownId, type, request: {} };
  }
}

function operationToWire(operation: OfferOperation): object {
  switch (operation.type) {
    case "LAUNCH":
      return { type: operation.type, id: operation.id, launch: operation };
    case "LAUNCH_GROUP": {
      const { type, id, executor, taskInfos } = operation;
      return { type, id, launchGroup: { executor, taskGroup: { tasks: taskInfos } } };
    }
    case "UNSUPPORTED":
      return { type: operation.value, id: operation.id };
  }
}
