import type { Clock } from "../base/clock.ts";
import { assertNever, BrigadeError, errorFromData, invariant } from "../base/errors.ts";
import type { LogSink } from "../base/log.ts";
import type { StateStore } from "../state/store.ts";
import type { FromWorker, StoreOperation, ToWorker, WorkerAnswer, WorkerRequest, WorkerResult } from "./protocol.ts";
import { serveStore } from "./remote-store.ts";
import type { WorkerExit, WorkerHandle } from "./worker-handle.ts";

/** The Worker did not answer in time, or ended before it did. */
export class WorkerSilentError extends BrigadeError {
  override readonly name = "WorkerSilentError";
  readonly code = "worker-silent";
  readonly fault = "infrastructure";
}

/** What the owner of a Worker decides by; the rest of the protocol is the client's own business. */
export type WorkerEvent =
  | Extract<FromWorker, { type: "started" | "state" | "failed" | "stopped" }>
  | { readonly type: "exit"; readonly exit: WorkerExit };

export interface WorkerClientOptions {
  readonly handle: WorkerHandle;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logSink: LogSink;
  readonly onEvent: (event: WorkerEvent) => void;
}

interface Waiting {
  readonly request: WorkerRequest;
  resolve(answer: WorkerAnswer): void;
  reject(error: Error): void;
}

/** The main thread's end of the protocol: requests with deadlines, log entries passed on, the state store served. */
export class WorkerClient {
  readonly #options: WorkerClientOptions;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #exited = false;

  constructor(options: WorkerClientOptions) {
    this.#options = options;
    options.handle.onMessage((message) => this.#onMessage(message));
    options.handle.onExit((exit) => this.#onExit(exit));
  }

  post(message: ToWorker): void {
    if (!this.#exited) this.#options.handle.post(message);
  }

  terminate(): void {
    if (!this.#exited) this.#options.handle.terminate();
  }

  /** @throws {WorkerSilentError} no answer within `timeoutMs`: the thread is busy, or it has ended */
  async request<T extends WorkerRequest>(request: T, timeoutMs: number): Promise<Extract<WorkerAnswer, { to: T }>> {
    const answer = await this.#ask(request, timeoutMs);
    invariant(answer.to === request, `Worker answered ${answer.to} to ${request}`);
    return answer as Extract<WorkerAnswer, { to: T }>;
  }

  #ask(request: WorkerRequest, timeoutMs: number): Promise<WorkerAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#exited) {
        reject(silent(request, "it has ended"));
        return;
      }
      const id = this.#nextId++;
      const cancel = this.#options.clock.schedule(timeoutMs, () => {
        this.#waiting.delete(id);
        reject(silent(request, `no answer after ${timeoutMs} ms`));
      });
      this.#waiting.set(id, {
        request,
        resolve(answer) {
          cancel();
          resolve(answer);
        },
        reject(error) {
          cancel();
          reject(error);
        },
      });
      this.post({ type: "request", id, request });
    });
  }

  #onMessage(message: FromWorker): void {
    switch (message.type) {
      case "log":
        this.#options.logSink(message.entry);
        return;
      case "reply":
        this.#onReply(message.id, message.result);
        return;
      case "store":
        void this.#serve(message.id, message.operation);
        return;
      case "started":
      case "state":
      case "failed":
      case "stopped":
        this.#options.onEvent(message);
        return;
      default:
        assertNever(message);
    }
  }

  #onReply(id: number, result: WorkerResult): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return; // came after its deadline
    this.#waiting.delete(id);
    if (result.ok) waiting.resolve(result.answer);
    else waiting.reject(errorFromData(result.error));
  }

  async #serve(id: number, operation: StoreOperation): Promise<void> {
    this.post({ type: "stored", id, result: await serveStore(this.#options.store, operation) });
  }

  #onExit(exit: WorkerExit): void {
    this.#exited = true;
    for (const waiting of this.#waiting.values()) waiting.reject(silent(waiting.request, "it has ended"));
    this.#waiting.clear();
    this.#options.onEvent({ type: "exit", exit });
  }
}

function silent(request: WorkerRequest, why: string): WorkerSilentError {
  return new WorkerSilentError(`Cannot get ${request} from the processor's Worker: ${why}`);
}
