import type { SchedulerApi } from "../support/e2e/scheduler-api.ts";

type ByReason = Readonly<Record<string, number>>;

/**
 * Sums brigade_reruns_total over the lives of the scheduler: what it last said in each. What it counted between that and
 * its death is lost; the log has it.
 */
export class Reruns {
  readonly #before = new Map<string, ByReason>();
  #now = new Map<string, ByReason>();

  /** Asks the one that lives; no answer is none. */
  async read(api: SchedulerApi | undefined): Promise<void> {
    try {
      const view = await api?.status();
      for (const { name, counters } of view?.processors ?? []) this.#now.set(name, counters.reruns);
    } catch {
      return; // it is being started
    }
  }

  /** Whoever is asked next counts from 0. */
  died(): void {
    for (const [name, counts] of this.#now) this.#before.set(name, plus(this.#before.get(name), counts));
    this.#now = new Map();
  }

  of(processor: string): ByReason {
    return plus(this.#before.get(processor), this.#now.get(processor));
  }
}

function plus(a: ByReason = {}, b: ByReason = {}): ByReason {
  const total: Record<string, number> = { ...a };
  for (const [reason, count] of Object.entries(b)) total[reason] = (total[reason] ?? 0) + count;
  return total;
}
