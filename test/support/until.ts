/** Waits until `condition` holds (is neither false nor undefined) and gives its value; fails after `timeoutMs`. */
export async function until<T>(condition: () => T | false | undefined, what: string, timeoutMs = 4000): Promise<T> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    const value = condition();
    if (value !== false && value !== undefined) return value;
    if (performance.now() > giveUpAt) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}`);
    await Bun.sleep(1);
  }
}
