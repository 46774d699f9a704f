/** A trouble that was not met again for so long is not told any more: nothing may have been tried there since. */
const FORGOTTEN_MS = 600_000;

interface Trouble {
  readonly message: string;
  readonly lastMs: number;
}

/** Hosts at which programs cannot be run, through no fault of theirs: what people are told while their runs go elsewhere. */
export class TroubledHosts {
  /** The latest last. */
  readonly #troubles = new Map<string, Trouble>();

  failed(host: string, message: string, nowMs: number): void {
    this.#troubles.delete(host);
    this.#troubles.set(host, { message, lastMs: nowMs });
  }

  /** A program came to its end there. */
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
    return `no program can run on ${host}${more}: ${message}`;
  }
}
