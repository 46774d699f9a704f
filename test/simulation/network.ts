import { type Random, randomInt } from "../../src/base/random.ts";
import type { Life } from "./life.ts";
import type { VirtualTime } from "./time.ts";

/** Latency of one hop. */
const MIN_DELAY_MS = 0.2;
const MAX_DELAY_MS = 4;
/** One message in so many is slow, and those behind it with it. */
const SLOW_ONE_IN = 40;
const SLOW_DELAY_MS = 400;

interface InFlight {
  readonly atMs: number;
  readonly arrive: () => void;
  readonly cancel: () => void;
}

/** One direction of one connection: messages arrive late, in order, or not at all. */
export class Wire {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #inFlight = new Set<InFlight>();
  #lastAtMs = 0;
  #closed = false;

  constructor(time: VirtualTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  send(arrive: () => void): void {
    if (this.#closed) return;
    const slow = randomInt(this.#random, SLOW_ONE_IN) === 0 ? SLOW_DELAY_MS : MAX_DELAY_MS;
    const delayMs = MIN_DELAY_MS + this.#random.next() * (slow - MIN_DELAY_MS);
    this.#lastAtMs = Math.max(this.#lastAtMs, this.#time.nowMs + delayMs);
    const message: InFlight = {
      atMs: this.#lastAtMs,
      arrive,
      // The very moment, and no sum that is rounded: a message is never ahead of the one before it.
      cancel: this.#time.scheduleAt(this.#lastAtMs, () => {
        this.#inFlight.delete(message);
        arrive();
      }),
    };
    this.#inFlight.add(message);
  }

  /**
   * The connection breaks. As with TCP, the first of what is under way may still arrive, and `lateMs` later than it would
   * have; the rest is lost.
   */
  cut(lateMs = 0): void {
    if (this.#closed) return;
    this.#closed = true;
    const through = randomInt(this.#random, this.#inFlight.size + 1);
    for (const [index, message] of [...this.#inFlight].entries()) {
      message.cancel();
      if (index >= through) continue;
      this.#time.scheduleAt(message.atMs + lateMs, message.arrive);
    }
    this.#inFlight.clear();
  }
}

export interface AnswerHandlers<T> {
  answered(value: T): void;
  /** No answer will come; the request may have been carried out. */
  lost(): void;
}

/** Requests and answers between a process and a server, in order, until the connection is cut. */
export class RequestLine {
  readonly #life: Life;
  readonly #there: Wire;
  readonly #back: Wire;
  readonly #unanswered = new Set<() => void>();

  constructor(time: VirtualTime, random: Random, life: Life) {
    this.#life = life;
    this.#there = new Wire(time, random);
    this.#back = new Wire(time, random);
    life.onDeath(() => {
      this.#unanswered.clear();
      this.cut();
    });
  }

  /** @param serve runs at the server when the request arrives, and may answer at once, later or never */
  request<T>(serve: (answer: (value: T) => void) => void, handlers: AnswerHandlers<T>): void {
    const end = (): void => this.#life.deliver(() => handlers.lost());
    this.#unanswered.add(end);
    this.#there.send(() =>
      serve((value) =>
        this.#back.send(() => {
          if (this.#unanswered.delete(end)) this.#life.deliver(() => handlers.answered(value));
        }),
      ),
    );
  }

  /** Nothing passes any more, and nobody notices before {@link cut}. */
  hang(): void {
    this.#there.cut();
    this.#back.cut();
  }

  /** @param lateMs by how much later than usual the requests arrive that still get through */
  cut(lateMs = 0): void {
    this.#there.cut(lateMs);
    this.#back.cut();
    const unanswered = [...this.#unanswered];
    this.#unanswered.clear();
    for (const end of unanswered) end();
  }
}
