import type { FrameworkId } from "../../../mesos/types.ts";

const KEPT = 50;

/** Ids that were removed and may not subscribe again. As on a real master only the last 50 are remembered. */
export class CompletedFrameworks {
  readonly #ids = new Set<FrameworkId>();

  has(id: FrameworkId): boolean {
    return this.#ids.has(id);
  }

  add(id: FrameworkId): void {
    this.#ids.add(id);
    if (this.#ids.size <= KEPT) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      break;
    }
  }
}
