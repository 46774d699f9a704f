import type { AddressedExecutorCall, ExecutorCall } from "../executor-api.ts";
import type { ExecutorId, FrameworkId, TaskInfo, TaskStatus } from "../types.ts";
import { CodecError } from "./errors.ts";
import { demand } from "./message.ts";

interface WireUpdate {
  readonly status: TaskStatus;
}

/** `mesos.v1.executor.Call` as it stands on the wire: `type` names the one part that is set. */
export interface WireExecutorCall {
  readonly executorId: ExecutorId;
  readonly frameworkId: FrameworkId;
  readonly type?: string | number;
  readonly subscribe?: {
    readonly unacknowledgedTasks?: readonly TaskInfo[];
    readonly unacknowledgedUpdates?: readonly WireUpdate[];
  };
  readonly update?: WireUpdate;
  readonly message?: { readonly data: Uint8Array };
}

/** @throws {CodecError} `invalid`, in the words of Mesos' own validation */
export function executorCallFromWire(wire: WireExecutorCall): AddressedExecutorCall {
  return { executorId: wire.executorId, frameworkId: wire.frameworkId, call: bodyOf(wire) };
}

function bodyOf(wire: WireExecutorCall): ExecutorCall {
  const { type } = wire;
  switch (type) {
    case "SUBSCRIBE": {
      const { unacknowledgedTasks = [], unacknowledgedUpdates = [] } = demand(wire.subscribe, "subscribe");
      return { type, unacknowledgedTasks, unacknowledgedUpdates: unacknowledgedUpdates.map(({ status }) => status) };
    }
    case "UPDATE":
      return { type, status: demand(wire.update, "update").status };
    case "MESSAGE":
      return { type, data: demand(wire.message, "message").data };
    case "HEARTBEAT":
      return { type };
    case undefined:
    default:
      throw new CodecError("invalid", "Expecting 'type' to be present");
  }
}

export function executorCallToWire({ executorId, frameworkId, call }: AddressedExecutorCall): object {
  const { type } = call;
  switch (type) {
    case "SUBSCRIBE": {
      const { unacknowledgedTasks, unacknowledgedUpdates } = call;
      const updates = unacknowledgedUpdates.map((status) => ({ status }));
      return { executorId, frameworkId, type, subscribe: { unacknowledgedTasks, unacknowledgedUpdates: updates } };
    }
    case "UPDATE":
      return { executorId, frameworkId, type, update: call };
    case "MESSAGE":
      return { executorId, frameworkId, type, message: call };
    case "HEARTBEAT":
      return { executorId, frameworkId, type };
  }
}
