import type { FromWorker, ToWorker } from "./protocol.ts";

/** One Worker thread, as the supervisor sees it. */
export interface WorkerHandle {
  /** Messages sent before the Worker has loaded wait for it. */
  post(message: ToWorker): void;
  onMessage(listener: (message: FromWorker) => void): void;
  /** Called once, after the last message. `error` is set where something uncaught ended it. */
  onExit(listener: (exit: WorkerExit) => void): void;
  /** Ends the thread at once. Only for one that does not end itself: see the traps in bun-worker.ts. */
  terminate(): void;
}

export interface WorkerExit {
  readonly code: number;
  readonly error: Error | undefined;
}

export interface WorkerFactory {
  /** @param name for debuggers and profiles */
  spawn(name: string): WorkerHandle;
}
