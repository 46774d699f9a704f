import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { RunOutcome } from "../engine/ports.ts";
import type { RunSpec } from "../engine/run-wire.ts";
import { BoundedBuffer } from "./bounded-buffer.ts";
import { type PipeReading, readPipe } from "./pipe-reader.ts";
import { ProcessGroup } from "./process-group.ts";
import type { ProgramEnd, ProgramHandle } from "./programs.ts";
import { STDERR_TAIL_BYTES, type StderrLog } from "./stderr-log.ts";
import { TailBuffer } from "./tail-buffer.ts";

const DEFAULT_TIMEOUT_GRACE_MS = 3000;
const DEFAULT_LINGER_MS = 2000;
/**
 * When the output of a program that still runs is read for the first time. Most short ones have ended by then: what they
 * wrote lies in the pipes, and nobody has to wait for it. One that writes more than a pipe holds waits for us so long.
 */
const READ_AFTER_MS = 10;
/** How long to wait for the end of pipes whose last known writer was killed. */
const DRAIN_MS = 200;

/** Started with `detached`, so that it leads a process group, and `lazy`, so that nothing is read before we do. */
export type ChildProcess = Bun.Subprocess<number | "ignore", "pipe", "pipe">;

export interface ProcessRunOptions {
  readonly clock: Clock;
  readonly stderrLog: Pick<StderrLog, "write">;
  /** Between SIGTERM and SIGKILL of a program that took too long. Default 3 s. */
  readonly timeoutGraceMs?: number;
  /** How long a child that outlives its program may hold standard output open. Default 2 s. */
  readonly lingerMs?: number;
}

/** Why we ended a run; the first reason decides its outcome. */
type EndedByUs = Extract<RunOutcome, { type: "killed" | "timed-out" | "output-too-large" }>;

interface Pipes {
  readonly stdout: PipeReading;
  readonly stderr: PipeReading;
}

/** A process that was started, followed to its end. */
export class ProcessRun implements ProgramHandle {
  readonly #child: ChildProcess;
  readonly #group: ProcessGroup;
  readonly #runKey: string;
  readonly #spec: RunSpec;
  readonly #options: ProcessRunOptions;
  readonly #startedMs: number;
  readonly #stdout: BoundedBuffer;
  readonly #stderrTail = new TailBuffer(STDERR_TAIL_BYTES);
  #pipes: Pipes | undefined;
  #endedByUs: EndedByUs | undefined;

  constructor(child: ChildProcess, runKey: string, spec: RunSpec, options: ProcessRunOptions) {
    this.#child = child;
    this.#group = new ProcessGroup(child.pid, options.clock);
    this.#runKey = runKey;
    this.#spec = spec;
    this.#options = options;
    this.#startedMs = options.clock.monotonicMs();
    this.#stdout = new BoundedBuffer(spec.maxOutputBytes);
  }

  kill(graceMs: number): void {
    // What it came to by itself stands, although children of it may still hold the run up.
    if (!this.#hasExited) this.#endedByUs ??= { type: "killed" };
    this.#group.terminate(graceMs);
  }

  /** Follows the process to its end. Never rejects. */
  async end(): Promise<ProgramEnd> {
    const { clock, lingerMs = DEFAULT_LINGER_MS } = this.#options;
    const { timeoutMs } = this.#spec;
    const cancelTimeout = timeoutMs === null ? undefined : clock.schedule(timeoutMs, () => this.#timeOut(timeoutMs));
    const cancelReading = clock.schedule(READ_AFTER_MS, () => this.#read());
    await this.#child.exited;
    cancelTimeout?.();
    cancelReading();
    const { stdout, stderr } = this.#read();
    // A child of the program may still write to standard output, but it cannot keep the run for itself. Whoever is
    // left of the group then goes: nothing outlives what it was for.
    await within(lingerMs, stdout.end, clock);
    this.#group.kill();
    await within(DRAIN_MS, Promise.all([stdout.end, stderr.end]), clock);
    stdout.stop();
    stderr.stop();

    const stdoutEnd = await stdout.end;
    if (typeof stdoutEnd === "object") {
      return { type: "lost", message: `Cannot read standard output: ${describeError(stdoutEnd.error)}` };
    }
    return {
      type: "ended",
      result: {
        outcome: this.#outcome(),
        stdout: this.#stdout.bytes,
        stderrTail: this.#stderrTail.bytes,
        durationMs: clock.monotonicMs() - this.#startedMs,
        specVersion: this.#spec.version,
      },
    };
  }

  get #hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Begins to read, unless that has begun. */
  #read(): Pipes {
    this.#pipes ??= {
      stdout: readPipe(this.#child.stdout, (chunk) => this.#onStdout(chunk)),
      stderr: readPipe(this.#child.stderr, (chunk) => {
        this.#stderrTail.add(chunk);
        this.#options.stderrLog.write(this.#runKey, chunk);
      }),
    };
    return this.#pipes;
  }

  #onStdout(chunk: Uint8Array): void {
    if (this.#stdout.add(chunk)) return;
    this.#endedByUs ??= { type: "output-too-large", limitBytes: this.#spec.maxOutputBytes };
    this.#pipes?.stdout.stop();
    this.#group.kill();
  }

  #timeOut(afterMs: number): void {
    this.#endedByUs ??= { type: "timed-out", afterMs };
    this.#group.terminate(this.#options.timeoutGraceMs ?? DEFAULT_TIMEOUT_GRACE_MS);
  }

  #outcome(): RunOutcome {
    if (this.#endedByUs !== undefined) return this.#endedByUs;
    const { exitCode, signalCode } = this.#child;
    if (signalCode !== null) return { type: "signaled", signal: String(signalCode) };
    return exitCode === 0 ? { type: "succeeded" } : { type: "exited", code: exitCode ?? -1 };
  }
}

/** Resolves with `work`, which never rejects, or after `ms`, whichever is first. */
async function within(ms: number, work: Promise<unknown>, clock: Clock): Promise<void> {
  let cancel: (() => void) | undefined;
  await Promise.race([
    work,
    new Promise<void>((resolve) => {
      cancel = clock.schedule(ms, resolve);
    }),
  ]);
  cancel?.();
}
