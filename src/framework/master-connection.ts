import type { SchedulerCall } from "../mesos/scheduler-api.ts";
import type { FrameworkInfo } from "../mesos/types.ts";
import type { MasterEvent } from "./keeper-api.ts";

/** A scheduler's connection to the leading master, as narrow as is needed here. It subscribes anew by itself. */
export interface MasterConnection {
  start(): void;
  /** Calls keep their order. What becomes of one that is not carried out comes as an event. */
  call(call: SchedulerCall): void;
  /** Lets go without TEARDOWN. Idempotent. */
  close(): Promise<void>;
}

export interface MasterConnectionHandlers {
  readonly frameworkInfo: FrameworkInfo;
  /** Called for one event at a time, in order; never after `ended` or `close`. */
  readonly onEvent: (event: MasterEvent) => void;
}

export type ConnectToMaster = (handlers: MasterConnectionHandlers) => MasterConnection;
