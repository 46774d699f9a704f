import type { ErrorData } from "../base/errors.ts";
import type { LogEntry } from "../base/log.ts";
import type { MetricFamily } from "../base/metrics.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import type { Settings } from "../config/settings.ts";
import type { OffsetsSnapshot } from "./offsets-snapshot.ts";
import type { ProcessorPhase, ProcessorSnapshot, TaskSnapshot } from "./snapshot.ts";

/*
 * What the main thread and a processor's Worker say to each other, by postMessage.
 *
 *     main                              Worker
 *      start                     →
 *                                ←       log …, store …, state "starting"
 *      stored …                  →
 *                                ←       started, state "running"
 *      request {id}, update      →
 *                                ←       reply {id}
 *      stop | remove             →
 *                                ←       state "draining", stopped
 *
 * The Worker's last message is `stopped`, or `failed`; then it ends itself with process.exit(), which in a Worker ends
 * only the Worker and loses no message. Every request gets one reply with its id, in any order.
 * Everything is plain data: errors travel as ErrorData, log fields that cannot be cloned as text (see `portableEntry`).
 */

/** What all processors of one scheduler have in common, beside the settings. */
export interface Deployment {
  /** Brigade's version. */
  readonly version: string;
  /** Name of the host that this scheduler runs on. */
  readonly hostname: string;
  /** Shell command that starts the executor on an agent. */
  readonly executorCommand: string;
  /** Environment of every executor; that of a processor's `executor.env` wins. */
  readonly executorEnv: readonly (readonly [name: string, value: string])[];
  /** Where the API answers; null where there is none. Shown by the master's UI. */
  readonly webuiUrl: string | null;
}

/**
 * - `keep`: settle what has ended, commit, disconnect; tasks run on and are adopted by the next start.
 * - `drain`: take nothing new, wait for what runs, settle it, then as `keep`.
 * - `kill`: kill what runs, settle what has ended, commit, disconnect.
 */
export type StopMode = "keep" | "drain" | "kill";

export type ToWorker =
  | {
      readonly type: "start";
      readonly settings: Settings;
      readonly spec: ProcessorSpec;
      readonly deployment: Deployment;
    }
  /** The specification has changed; it keeps its name. Runs that are decided from now on get it. */
  | { readonly type: "update"; readonly spec: ProcessorSpec }
  /** May be sent again with a more urgent mode. After `timeoutMs` (Infinity: no limit) it goes on as with `keep`. */
  | { readonly type: "stop"; readonly mode: StopMode; readonly timeoutMs: number }
  /** Drains for at most `timeoutMs`, kills the rest, leaves the group, tears the framework down, forgets its state. */
  | { readonly type: "remove"; readonly timeoutMs: number }
  | { readonly type: "request"; readonly id: number; readonly request: WorkerRequest }
  | { readonly type: "stored"; readonly id: number; readonly result: StoreResult };

export type FromWorker =
  /** All that `start` asks for is under way; `state` tells how far it has come. */
  | { readonly type: "started" }
  | { readonly type: "log"; readonly entry: LogEntry }
  | { readonly type: "state"; readonly phase: ProcessorPhase; readonly reason: string | null }
  | { readonly type: "reply"; readonly id: number; readonly result: WorkerResult }
  /** The Worker cannot go on. `restart: false`: a new one would not help, or must not be (failed over, fenced). */
  | { readonly type: "failed"; readonly error: ErrorData; readonly restart: boolean }
  | { readonly type: "stopped" }
  | { readonly type: "store"; readonly id: number; readonly operation: StoreOperation };

export type WorkerRequest = "snapshot" | "tasks" | "offsets" | "metrics";

/** The answer to each request, told apart by the request's own name. */
export type WorkerAnswer =
  | { readonly to: "snapshot"; readonly snapshot: ProcessorSnapshot }
  | { readonly to: "tasks"; readonly tasks: readonly TaskSnapshot[] }
  | { readonly to: "offsets"; readonly offsets: OffsetsSnapshot }
  /** Only what a snapshot does not tell. */
  | { readonly to: "metrics"; readonly families: readonly MetricFamily[] };

export type WorkerResult =
  | { readonly ok: true; readonly answer: WorkerAnswer }
  | { readonly ok: false; readonly error: ErrorData };

/** The state store stays in the main thread, which holds its lock: Workers ask. */
export type StoreOperation =
  | { readonly type: "read"; readonly key: string }
  | { readonly type: "write"; readonly key: string; readonly value: Uint8Array }
  | { readonly type: "delete"; readonly key: string }
  | { readonly type: "list"; readonly prefix: string };

export type StoreAnswer =
  | { readonly to: "read"; readonly value: Uint8Array | null }
  | { readonly to: "write" }
  | { readonly to: "delete" }
  | { readonly to: "list"; readonly keys: readonly string[] };

export type StoreResult =
  | { readonly ok: true; readonly answer: StoreAnswer }
  | { readonly ok: false; readonly error: ErrorData };
