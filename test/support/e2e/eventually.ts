const POLL_MS = 50;
/** Generous, since it is only waited for in full when something is broken. */
export const PATIENCE_MS = 120_000;

/**
 * Asks again and again until `condition` gives neither false nor undefined, and returns what it gave. A question that
 * fails counts as not yet: what answers it may still be starting.
 *
 * @throws after {@link PATIENCE_MS}, with `what` was waited for and the last failure as cause
 */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T> | T,
): Promise<Exclude<T, false | undefined>> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  let failure: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > giveUpAt) {
      throw new Error(`Waited ${PATIENCE_MS / 1000} s in vain until ${what}`, { cause: failure });
    }
    await Bun.sleep(POLL_MS);
  }
}

/**
 * As {@link eventually}, for what takes long on a busy machine: gives up only when `progress` has not changed for
 * {@link PATIENCE_MS}.
 */
export async function eventuallyWithProgress(
  what: string,
  progress: () => Promise<string>,
  isDone: (progress: string) => boolean,
): Promise<void> {
  let last = "";
  while (!isDone(last)) {
    const before = last;
    last = await eventually(`something moves while waiting until ${what} (so far: ${before})`, async () => {
      const now = await progress();
      return now !== before && now;
    });
  }
}
