import type { LogFields } from "../base/log.ts";
import type { RunRequest } from "../engine/run-wire.ts";
import type { ExecutorCall, ExecutorEvent } from "../mesos/executor-api.ts";
import type { TaskId } from "../mesos/types.ts";
import type { ProgramEnd } from "../programs/programs.ts";

/** SUBSCRIBE is the connection's own business: it asks the session for the content. */
export type AgentCall = Exclude<ExecutorCall, { type: "SUBSCRIBE" }>;

/** What happens to an executor's session. */
export type SessionEvent =
  | { readonly type: "event"; readonly event: ExecutorEvent }
  /** The stream broke. It is being opened again; what the agent says meanwhile is lost. */
  | { readonly type: "disconnected" }
  /** The stream will not come back: the agent is gone for longer than its recovery timeout, or does not want us. */
  | { readonly type: "gave-up"; readonly message: string }
  /** The agent refuses this call, and would refuse it again. */
  | { readonly type: "call-rejected"; readonly call: ExecutorCall; readonly error: Error }
  | { readonly type: "program-ended"; readonly taskId: TaskId; readonly end: ProgramEnd }
  /** Somebody asks this process to end (SIGTERM). */
  | { readonly type: "terminate" }
  /** {@link Session.wakeAtMs} has come. Early or needless ones do no harm. */
  | { readonly type: "wake" };

/** What a session wants done. */
export type SessionCommand =
  /** Send it on the present connection. Where that fails, "disconnected" must follow. */
  | { readonly type: "call"; readonly call: AgentCall }
  /** Start it and answer with exactly one "program-ended". */
  | { readonly type: "start-program"; readonly taskId: TaskId; readonly request: RunRequest }
  /** End it: `graceMs` lies between SIGTERM and SIGKILL. Its "program-ended" is still to come. */
  | { readonly type: "kill-program"; readonly taskId: TaskId; readonly graceMs: number }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
      readonly fields: LogFields;
    }
  /** Send what is to be sent, kill what still runs, and end the process. The last command of a session. */
  | { readonly type: "exit"; readonly code: number; readonly reason: string };
