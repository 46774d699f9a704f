import { BrigadeError } from "../base/errors.ts";
import type { FromWorker } from "./protocol.ts";
import type { WorkerExit, WorkerFactory, WorkerHandle } from "./worker-handle.ts";
import { processorWorkerUrl } from "./worker-url.ts";

/** Something uncaught ended a Worker, or its program could not be loaded. */
export class WorkerCrashedError extends BrigadeError {
  override readonly name = "WorkerCrashedError";
  readonly code = "worker-crashed";
  readonly fault = "bug";
}

/** Real threads; the process lives as long as one of them does. */
export const bunWorkers: WorkerFactory = {
  spawn(name): WorkerHandle {
    const worker = new Worker(processorWorkerUrl(), { name });
    let error: Error | undefined;
    let onExit: ((exit: WorkerExit) => void) | undefined;
    // Without a listener a Worker whose file is missing from the build fails in silence (bun#22098).
    worker.onerror = (event) => {
      error = new WorkerCrashedError(uncaughtMessage(event.message));
    };
    worker.addEventListener("close", (event) => onExit?.({ code: exitCodeOf(event), error }));
    return {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a Worker is no window
      post: (message) => worker.postMessage(message),
      onMessage(listener) {
        worker.onmessage = (event: MessageEvent<FromWorker>) => listener(event.data);
      },
      onExit(listener) {
        onExit = listener;
      },
      // Bun has had use-after-free bugs in terminate() of a busy Worker: the protocol's own end comes first.
      terminate: () => worker.terminate(),
    };
  },
};

/** Bun's close event carries the exit code, which its types do not know. */
function exitCodeOf(event: Event): number {
  return "code" in event && typeof event.code === "number" ? event.code : -1;
}

/** Bun puts an excerpt of the source before the message and the stack after it: `…\nerror: boom\n      at …`. */
function uncaughtMessage(text: string): string {
  const line = /^(?:\w*error|\w*Error): (.+)$/m.exec(text)?.[1];
  return line ?? text.trim().split("\n", 1)[0] ?? "unknown error";
}
