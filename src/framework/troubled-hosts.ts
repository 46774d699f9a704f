/** A trouble that was not met again for so long is not told any more: nothing may have been tried there since. */
const FORGOTTEN_MS = 600_000;

interface Trouble {
  readonly message: string;
  readonly lastMs: number;
}

/** Hosts at which something is not as it should be, through no fault of the programs: what people are told of them. */
export class TroubledHosts {
  readonly #what: string;
  /** The latest last. */
  readonly #troubles = new Map<string, Trouble>();

  /** @param what is told of a host: "no program can run on" */
  constructor(what: string) {
    this.#what = what;
  }

  failed(host: string, message: string, nowMs: number): void {
    this.#troubles.delete(host);
    this.#troubles.set(host, { message, lastMs: nowMs });
  }

  /** A program came to its end there as it should. */
  worked(host: string): void {
    this.#troubles.delete(host);
  }

  /** For people; undefined where all is well. */
  describe(nowMs: number): string | undefined {
    for (const [host, { lastMs }] of this.#troubles) {
      if (nowMs - lastMs >= FORGOTTEN_MS) this.#troubles.delete(host);
    }
    const latest = [...this.#troubles].at(-1);
    if (latest === undefined) return undefined;
    const [host, { message }] = latest;
    const others = this.#troubles.size - 1;
    const more = others === 0 ? "" : `, and trouble on ${others} more agent${others === 1 ? "" : "s"}`;
    return `${this.#what} ${host}${more}: ${message}`;
  }
}
