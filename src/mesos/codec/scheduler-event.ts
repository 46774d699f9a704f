import type { SchedulerEvent } from "../scheduler-api.ts";
import type {
  AgentId,
  ExecutorId,
  FrameworkId,
  InverseOffer,
  MasterInfo,
  Offer,
  OfferId,
  OperationStatus,
  TaskStatus,
} from "../types.ts";
import { EncodeError } from "./errors.ts";
import { demand } from "./message.ts";

/** `mesos.v1.scheduler.Event` as it stands on the wire: `type` names the one part that is set. */
export interface WireSchedulerEvent {
  readonly type?: string | number;
  readonly subscribed?: {
    readonly frameworkId: FrameworkId;
    readonly heartbeatIntervalSeconds?: number;
    readonly masterInfo?: MasterInfo;
  };
  readonly offers?: { readonly offers: readonly Offer[] };
  readonly inverseOffers?: { readonly inverseOffers: readonly InverseOffer[] };
  readonly rescind?: { readonly offerId: OfferId };
  readonly rescindInverseOffer?: { readonly inverseOfferId: OfferId };
  readonly update?: { readonly status: TaskStatus };
  readonly updateOperationStatus?: { readonly status: OperationStatus };
  readonly message?: { readonly agentId: AgentId; readonly executorId: ExecutorId; readonly data: Uint8Array };
  readonly failure?: { readonly agentId?: AgentId; readonly executorId?: ExecutorId; readonly status?: number };
  readonly error?: { readonly message: string };
}

/** What masters use, should one leave it out. */
const DEFAULT_HEARTBEAT_SECONDS = 15;

export function schedulerEventFromWire(wire: WireSchedulerEvent): SchedulerEvent {
  switch (wire.type) {
    case "SUBSCRIBED": {
      const { frameworkId, heartbeatIntervalSeconds, masterInfo } = demand(wire.subscribed, "subscribed");
      const heartbeatIntervalMs = (heartbeatIntervalSeconds ?? DEFAULT_HEARTBEAT_SECONDS) * 1000;
      return { type: "SUBSCRIBED", frameworkId, heartbeatIntervalMs, masterInfo };
    }
    case "OFFERS":
      return { type: "OFFERS", offers: demand(wire.offers, "offers").offers };
    case "INVERSE_OFFERS":
      return { type: "INVERSE_OFFERS", ...demand(wire.inverseOffers, "inverse_offers") };
    case "RESCIND":
      return { type: "RESCIND", offerId: demand(wire.rescind, "rescind").offerId };
    case "RESCIND_INVERSE_OFFER":
      return { type: "RESCIND_INVERSE_OFFER", ...demand(wire.rescindInverseOffer, "rescind_inverse_offer") };
    case "UPDATE":
      return { type: "UPDATE", status: demand(wire.update, "update").status };
    case "UPDATE_OPERATION_STATUS": {
      const { status } = demand(wire.updateOperationStatus, "update_operation_status");
      return { type: "UPDATE_OPERATION_STATUS", status };
    }
    case "MESSAGE":
      return { type: "MESSAGE", ...demand(wire.message, "message") };
    case "FAILURE": {
      const { agentId, executorId, status } = demand(wire.failure, "failure");
      return { type: "FAILURE", agentId, executorId, status };
    }
    case "ERROR":
      return { type: "ERROR", message: demand(wire.error, "error").message };
    case "HEARTBEAT":
      return { type: "HEARTBEAT" };
    case undefined:
    default:
      return { type: "UNKNOWN", value: wire.type ?? 0 };
  }
}

export function schedulerEventToWire(event: SchedulerEvent): object {
  const { type } = event;
  switch (type) {
    case "SUBSCRIBED": {
      const { frameworkId, heartbeatIntervalMs, masterInfo } = event;
      return { type, subscribed: { frameworkId, heartbeatIntervalSeconds: heartbeatIntervalMs / 1000, masterInfo } };
    }
    case "OFFERS":
      return { type, offers: event };
    case "INVERSE_OFFERS":
      return { type, inverseOffers: event };
    case "RESCIND":
      return { type, rescind: event };
    case "RESCIND_INVERSE_OFFER":
      return { type, rescindInverseOffer: event };
    case "UPDATE":
      return { type, update: event };
    case "UPDATE_OPERATION_STATUS":
      return { type, updateOperationStatus: event };
    case "MESSAGE":
      return { type, message: event };
    case "FAILURE":
      return { type, failure: event };
    case "ERROR":
      return { type, error: event };
    case "HEARTBEAT":
      return { type };
    case "UNKNOWN":
      throw new EncodeError("mesos.v1.scheduler.Event", "type", "is UNKNOWN, must be one that peers understand");
  }
}
