import type { Clock } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import type { OutputRecord } from "../engine/ports.ts";
import { KafkaUnavailableError } from "../kafka/errors.ts";
import { Wakeup } from "../kafka/wakeup.ts";

/** So much is read ahead of what Kafka has acknowledged. */
const MAX_WAITING_RECORDS = 20_000;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

export interface LineSenderOptions {
  /** Resolves when the record is acknowledged. */
  readonly send: (record: OutputRecord, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  /** Given up when so much time went by, while something waited, without an acknowledgement; Infinity: never. */
  readonly patienceMs: number;
  /** Why nothing is acknowledged, for people; undefined where that is not known. */
  readonly trouble: () => string | undefined;
}

/** Sends lines with a bound on what is on its way. The first failure, or a silence that is too long, ends it. */
export class LineSender {
  readonly #options: LineSenderOptions;
  readonly #failed = new AbortController();
  readonly #wakeup = new Wakeup();
  /** Sent and not acknowledged, by line number, in order. */
  readonly #waiting = new Set<number>();
  #bytes = 0;
  #lines = 0;
  #cancelDeadline: (() => void) | undefined;

  constructor(options: LineSenderOptions) {
    this.#options = options;
  }

  /** Aborts with the first failure. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Resolves when more may be added, and rejects when one has failed. */
  async add(record: OutputRecord): Promise<void> {
    this.#failed.signal.throwIfAborted();
    const number = ++this.#lines;
    const bytes = (record.key?.byteLength ?? 0) + (record.value?.byteLength ?? 0);
    this.#waiting.add(number);
    this.#bytes += bytes;
    this.#cancelDeadline ??= this.#deadline();
    this.#options.send(record, this.#failed.signal).then(
      () => this.#acknowledged(number, bytes),
      (error: unknown) => this.#fail(error),
    );
    await this.#until(() => this.#waiting.size < MAX_WAITING_RECORDS && this.#bytes < MAX_WAITING_BYTES);
  }

  /** Resolves when all is acknowledged. */
  finished(): Promise<void> {
    return this.#until(() => this.#waiting.size === 0);
  }

  /** How far it came, for people; undefined where nothing was sent. */
  progress(): string | undefined {
    const [first] = this.#waiting;
    if (this.#lines === 0) return undefined;
    if (first === undefined) {
      const lines = this.#lines === 1 ? "1 line was" : `${this.#lines} lines were`;
      return `${lines} acknowledged, all before line ${this.#lines + 1}.`;
    }
    const open = this.#waiting.size;
    const acknowledged = this.#lines - open;
    const rest = open === 1 ? "the other one may have been written" : `the other ${open} may have been written in part`;
    const before = first === 1 ? "" : `; every line before ${first} is among them`;
    return `${acknowledged} of ${this.#lines} lines were acknowledged${before}; ${rest}. Begin again at line ${first}.`;
  }

  /** Nothing more happens. */
  close(): void {
    this.#cancelDeadline?.();
  }

  #acknowledged(number: number, bytes: number): void {
    this.#waiting.delete(number);
    this.#bytes -= bytes;
    this.#cancelDeadline?.();
    this.#cancelDeadline = this.#waiting.size > 0 && !this.#failed.signal.aborted ? this.#deadline() : undefined;
    this.#wakeup.wake();
  }

  #deadline(): (() => void) | undefined {
    const { clock, patienceMs, trouble } = this.#options;
    if (patienceMs === Number.POSITIVE_INFINITY) return undefined;
    return clock.schedule(patienceMs, () => {
      const reason = trouble();
      const why = reason === undefined ? "" : ` (${reason})`;
      const message = `Cannot go on: Kafka acknowledged nothing for ${formatDuration(patienceMs)}${why}`;
      this.#fail(new KafkaUnavailableError(message));
    });
  }

  #fail(error: unknown): void {
    if (this.#failed.signal.aborted) return;
    this.#cancelDeadline?.();
    this.#failed.abort(error);
    this.#wakeup.wake();
  }

  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      this.#failed.signal.throwIfAborted();
      if (condition()) return;
      await this.#wakeup.wait();
    }
  }
}
