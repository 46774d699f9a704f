import { BrigadeError, errorCode } from "../base/errors.ts";
import type { CliIo } from "./command.ts";

/** Ctrl-C, or SIGTERM. */
export class InterruptedError extends BrigadeError {
  override readonly name = "InterruptedError";
  readonly code = "interrupted";
  readonly fault = "input";
}

/** What the shell reports of a process that Ctrl-C ended. */
const INTERRUPTED_EXIT_CODE = 130;

export interface ProcessIo {
  readonly io: CliIo;
  /** Resolves once all output has left: an exit before that would cut it (bun#28145). Nothing can be written after it. */
  readonly flush: () => Promise<void>;
}

/** The real world: this process's streams, environment and signals. */
export function processIo(): ProcessIo {
  const stop = new AbortController();
  const kill = new AbortController();
  const onSignal = (): void => {
    if (kill.signal.aborted) process.exit(INTERRUPTED_EXIT_CODE);
    else if (stop.signal.aborted) kill.abort(new InterruptedError("Interrupted twice"));
    else stop.abort(new InterruptedError("Interrupted"));
  };
  const leave = new AbortController();
  process.on("SIGUSR1", () => leave.abort(new InterruptedError("Asked to leave")));
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error) => {
      // The reader has left (`brigade … | head`): what remains to be said interests nobody.
      if (errorCode(error) !== "EPIPE") throw error;
      if (!stop.signal.aborted) stop.abort(error);
    });
  }
  return {
    io: {
      stdout: (text) => void process.stdout.write(text),
      stderr: (text) => void process.stderr.write(text),
      env: process.env,
      cwd: process.cwd(),
      isTerminal: process.stdout.isTTY,
      signal: stop.signal,
      killSignal: kill.signal,
      leaveSignal: leave.signal,
    },
    async flush() {
      await Promise.all([ended(process.stdout), ended(process.stderr)]);
    },
  };
}

/** Of an empty write Bun calls back at once, whatever waits before it; of the end it does not. */
function ended(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.end(() => resolve());
  });
}
