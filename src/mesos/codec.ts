import { executorCallFromWire, executorCallToWire, type WireExecutorCall } from "./codec/executor-call.ts";
import { executorEventFromWire, executorEventToWire } from "./codec/executor-event.ts";
import { type ContentType, decodeMessage, encodeMessage } from "./codec/message.ts";
import { type AddressedSchedulerCall, schedulerCallFromWire, schedulerCallToWire } from "./codec/scheduler-call.ts";
import { schedulerEventFromWire, schedulerEventToWire } from "./codec/scheduler-event.ts";
import type { AddressedExecutorCall, ExecutorEvent } from "./executor-api.ts";
import type { SchedulerCall, SchedulerEvent } from "./scheduler-api.ts";
import type { FrameworkId, FrameworkInfo, MasterInfo } from "./types.ts";

/*
 * Calls and events to and from bytes, for clients and servers alike. Every decoder throws CodecError on what it cannot
 * read, every encoder EncodeError on what has no form on the wire. Decoded values own their bytes.
 */

export { CodecError, type CodecProblem, EncodeError } from "./codec/errors.ts";
export { type ContentType, decodeMessage, demand, encodeMessage } from "./codec/message.ts";
export type { AddressedSchedulerCall } from "./codec/scheduler-call.ts";

const SCHEDULER_CALL = "mesos.v1.scheduler.Call";
const SCHEDULER_EVENT = "mesos.v1.scheduler.Event";
const EXECUTOR_CALL = "mesos.v1.executor.Call";
const EXECUTOR_EVENT = "mesos.v1.executor.Event";
const MASTER_INFO = "mesos.v1.MasterInfo";
const FRAMEWORK_INFO = "mesos.v1.FrameworkInfo";

/** @param frameworkId undefined only for the SUBSCRIBE of a new framework */
export function encodeSchedulerCall(
  call: SchedulerCall,
  frameworkId: FrameworkId | undefined,
  type: ContentType,
): Uint8Array {
  return encodeMessage(SCHEDULER_CALL, schedulerCallToWire(call, frameworkId), type, "client");
}

/**
 * A {@link CodecError} tells a server what to answer: `malformed` → `Failed to parse body into …`, `mismatched` →
 * `Failed to convert JSON into Call protobuf: ` + detail, `invalid` → `Failed to validate scheduler::Call: ` + detail.
 * `unsupported` is a sound call that this library does not read; detail is its type.
 */
export function decodeSchedulerCall(bytes: Uint8Array, type: ContentType): AddressedSchedulerCall {
  return schedulerCallFromWire(decodeMessage(SCHEDULER_CALL, bytes, type));
}

export function encodeSchedulerEvent(event: SchedulerEvent, type: ContentType): Uint8Array {
  return encodeMessage(SCHEDULER_EVENT, schedulerEventToWire(event), type, "server");
}

export function decodeSchedulerEvent(bytes: Uint8Array, type: ContentType): SchedulerEvent {
  return schedulerEventFromWire(decodeMessage(SCHEDULER_EVENT, bytes, type));
}

export function encodeExecutorCall(call: AddressedExecutorCall, type: ContentType): Uint8Array {
  return encodeMessage(EXECUTOR_CALL, executorCallToWire(call), type, "client");
}

/** Errors as those of {@link decodeSchedulerCall}, with `Executor::Call` in their text. */
export function decodeExecutorCall(bytes: Uint8Array, type: ContentType): AddressedExecutorCall {
  return executorCallFromWire(decodeMessage(EXECUTOR_CALL, bytes, type) as WireExecutorCall);
}

export function encodeExecutorEvent(event: ExecutorEvent, type: ContentType): Uint8Array {
  return encodeMessage(EXECUTOR_EVENT, executorEventToWire(event), type, "server");
}

export function decodeExecutorEvent(bytes: Uint8Array, type: ContentType): ExecutorEvent {
  return executorEventFromWire(decodeMessage(EXECUTOR_EVENT, bytes, type));
}

export function encodeMasterInfo(info: MasterInfo, type: ContentType): Uint8Array {
  return encodeMessage(MASTER_INFO, info, type, "server");
}

export function encodeFrameworkInfo(info: FrameworkInfo, type: ContentType): Uint8Array {
  return encodeMessage(FRAMEWORK_INFO, info, type, "server");
}

/** Also of a ZooKeeper node: `json.info_…` holds JSON, the older `info_…` protobuf. */
export function decodeMasterInfo(bytes: Uint8Array, type: ContentType): MasterInfo {
  return decodeMessage(MASTER_INFO, bytes, type) as MasterInfo;
}
