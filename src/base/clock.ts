/** Time as a dependency. Cores take plain numbers; shells take a clock; only entry points make the real one. */
export interface Clock {
  /** Milliseconds since 1970, as the host believes. May jump. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start. Never goes back: use it for every duration and deadline. */
  monotonicMs(): number;
  /** Resolves after `ms`, or rejects with `signal.reason` as soon as the signal is aborted. */
  sleep(ms: number, options?: { signal?: AbortSignal }): Promise<void>;
  /** Calls `run` once after `ms` (at once where `ms` is 0 or less); the result cancels it. */
  schedule(ms: number, run: () => void): () => void;
}

/** `setTimeout` takes at most 2^31 − 1 ms, almost 25 days, and fires at once beyond it. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(ms, run) {
    if (ms <= 0) {
      // A timer would take a millisecond.
      const turn = setImmediate(run);
      return () => clearImmediate(turn);
    }
    let timer: ReturnType<typeof setTimeout>;
    const wait = (leftMs: number): void => {
      const legMs = Math.min(leftMs, LONGEST_TIMEOUT_MS);
      timer = setTimeout(legMs === leftMs ? run : () => wait(leftMs - legMs), legMs);
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
  sleep(ms, { signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(asError(signal.reason));
        return;
      }
      const onAbort = (): void => {
        cancel();
        reject(asError(signal?.reason));
      };
      const cancel = systemClock.schedule(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
