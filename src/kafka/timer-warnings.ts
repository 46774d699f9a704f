/** Of each thread: `process` is another object in a Worker. */
let installed = false;

/**
 * kafkajs asks for timers in the past (kafkajs#1751), and Bun says so on standard error. That one warning is hidden;
 * every other is printed as before.
 */
export function hideTimerWarnings(): void {
  if (installed) return;
  installed = true;
  // One listener is Bun's own, which prints everything; with more, somebody else decides what is printed.
  if (process.listenerCount("warning") > 1) return;
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name !== "TimeoutNegativeWarning") process.stderr.write(`${warning.name}: ${warning.message}\n`);
  });
}
