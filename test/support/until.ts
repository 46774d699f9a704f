/** Only waited for in full where something is broken: a machine may be slow. */
const PATIENCE_MS = 60_000;

/** Waits until `condition` holds (is neither false nor undefined) and gives its value; fails after `timeoutMs`. */
export async function until<T>(
  condition: () => T | false | undefined,
  what: string,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    const value = condition();
    if (value !== false && value !== undefined) return value;
    if (performance.now() > giveUpAt) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}`);
    await Bun.sleep(1);
  }
}
