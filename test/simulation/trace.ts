import type { Fact } from "./facts.ts";
import type { VirtualTime } from "./time.ts";

const TRACE_LENGTH = 20_000;

/** The end of a history so far, for people. */
export class Trace {
  readonly #time: VirtualTime;
  readonly #entries: (readonly [atMs: number, what: string | Fact])[] = [];

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  note(what: string | Fact): void {
    if (this.#entries.length >= TRACE_LENGTH) this.#entries.shift();
    this.#entries.push([this.#time.nowMs, what]);
  }

  lines(): readonly string[] {
    return this.#entries.map(([atMs, what]) => {
      const text = typeof what === "string" ? what : describeFact(what);
      return `${(atMs / 1000).toFixed(3).padStart(9)} s  ${text}`;
    });
  }
}

function describeFact(fact: Fact): string {
  return JSON.stringify(fact, (name, value: unknown) => {
    if (name === "view") return undefined;
    return value instanceof Map ? Object.fromEntries(value as Map<string, unknown>) : value;
  });
}
