import { systemClock } from "../base/clock.ts";

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A failure that something running may report at any time, to whoever waits for it then, or to nobody any more. */
export type PendingFailure = Pick<PromiseWithResolvers<never>, "promise" | "reject">;

export function pendingFailure(): PendingFailure {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  return { promise, reject };
}

/** Runs `work` after `firstMs`, and then again and again with `everyMs` between; resolves when the signal is aborted. */
export async function repeatUntil(
  signal: AbortSignal,
  { firstMs, everyMs }: { readonly firstMs: number; readonly everyMs: number },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await systemClock.sleep(firstMs, { signal });
    for (;;) {
      await work();
      await systemClock.sleep(everyMs, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
