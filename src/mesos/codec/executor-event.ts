import type { ExecutorEvent } from "../executor-api.ts";
import type { AgentInfo, ContainerId, ExecutorInfo, FrameworkInfo, KillPolicy, TaskId, TaskInfo } from "../types.ts";
import { EncodeError } from "./errors.ts";
import { demand } from "./message.ts";

/** `mesos.v1.executor.Event` as it stands on the wire: `type` names the one part that is set. */
export interface WireExecutorEvent {
  readonly type?: string | number;
  readonly subscribed?: {
    readonly executorInfo: ExecutorInfo;
    readonly frameworkInfo: FrameworkInfo;
    readonly agentInfo: AgentInfo;
    readonly containerId?: ContainerId;
  };
  readonly acknowledged?: { readonly taskId: TaskId; readonly uuid: Uint8Array };
  readonly launch?: { readonly task: TaskInfo };
  readonly launchGroup?: { readonly taskGroup: { readonly tasks: readonly TaskInfo[] } };
  readonly kill?: { readonly taskId: TaskId; readonly killPolicy?: KillPolicy };
  readonly message?: { readonly data: Uint8Array };
  readonly error?: { readonly message: string };
}

export function executorEventFromWire(wire: WireExecutorEvent): ExecutorEvent {
  switch (wire.type) {
    case "SUBSCRIBED": {
      const { executorInfo, frameworkInfo, agentInfo, containerId } = demand(wire.subscribed, "subscribed");
      return { type: "SUBSCRIBED", executorInfo, frameworkInfo, agentInfo, containerId };
    }
    case "LAUNCH":
      return { type: "LAUNCH", task: demand(wire.launch, "launch").task };
    case "LAUNCH_GROUP":
      return { type: "LAUNCH_GROUP", tasks: demand(wire.launchGroup, "launch_group").taskGroup.tasks };
    case "KILL": {
      const { taskId, killPolicy } = demand(wire.kill, "kill");
      return { type: "KILL", taskId, killPolicy };
    }
    case "ACKNOWLEDGED":
      return { type: "ACKNOWLEDGED", ...demand(wire.acknowledged, "acknowledged") };
    case "MESSAGE":
      return { type: "MESSAGE", data: demand(wire.message, "message").data };
    case "SHUTDOWN":
      return { type: "SHUTDOWN" };
    case "ERROR":
      return { type: "ERROR", message: demand(wire.error, "error").message };
    case "HEARTBEAT":
      return { type: "HEARTBEAT" };
    case undefined:
    default:
      return { type: "UNKNOWN", value: wire.type ?? 0 };
  }
}

export function executorEventToWire(event: ExecutorEvent): object {
  const { type } = event;
  switch (type) {
    case "SUBSCRIBED":
      return { type, subscribed: event };
    case "LAUNCH":
      return { type, launch: event };
    case "LAUNCH_GROUP":
      return { type, launchGroup: { taskGroup: event } };
    case "KILL":
      return { type, kill: event };
    case "ACKNOWLEDGED":
      return { type, acknowledged: event };
    case "MESSAGE":
      return { type, message: event };
    case "ERROR":
      return { type, error: event };
    case "SHUTDOWN":
    case "HEARTBEAT":
      return { type };
    case "UNKNOWN":
      throw new EncodeError("mesos.v1.executor.Event", "type", "is UNKNOWN, must be one that peers understand");
  }
}
