import { type FrameworkId, isTerminal, type TaskId, type TaskStatus } from "../../../src/mesos/types.ts";
import type { VirtualTime } from "../time.ts";

const RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 600_000;

/** The updates of one task that its scheduler has not acknowledged: only the first is on its way, again and again. */
export class UpdateStream {
  readonly frameworkId: FrameworkId;
  readonly taskId: TaskId;
  readonly #time: VirtualTime;
  readonly #send: (status: TaskStatus) => void;
  readonly #updates: TaskStatus[] = [];
  #tries = 0;
  #cancelRetry: () => void = () => undefined;

  constructor(time: VirtualTime, frameworkId: FrameworkId, taskId: TaskId, send: (status: TaskStatus) => void) {
    this.#time = time;
    this.frameworkId = frameworkId;
    this.taskId = taskId;
    this.#send = send;
  }

  /** What comes after the first terminal update is dropped. */
  push(status: TaskStatus): void {
    if (this.has(status) || this.#updates.some(({ state }) => isTerminal(state))) return;
    this.#updates.push(status);
    if (this.#updates.length === 1) this.#first();
  }

  has({ uuid }: TaskStatus): boolean {
    return this.#updates.some((update) => equal(update.uuid, uuid));
  }

  /** Whether there is nothing to tell at present. */
  get isEmpty(): boolean {
    return this.#updates.length === 0;
  }

  /** @returns whether it was the task's last update */
  acknowledged(uuid: Uint8Array): boolean {
    const [first] = this.#updates;
    if (first === undefined || !equal(first.uuid, uuid)) return false;
    this.#updates.shift();
    this.pause();
    if (isTerminal(first.state)) return true;
    this.#first();
    return false;
  }

  /** Sends the first update now, and again later. */
  forward(): void {
    const [first] = this.#updates;
    this.pause();
    if (first === undefined) return;
    const pauseMs = Math.min(RETRY_MS * 2 ** this.#tries++, LONGEST_RETRY_MS);
    this.#cancelRetry = this.#time.schedule(pauseMs, () => this.forward());
    this.#send(first);
  }

  pause(): void {
    this.#cancelRetry();
  }

  #first(): void {
    this.#tries = 0;
    this.forward();
  }
}

function equal(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
