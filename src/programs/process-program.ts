import { closeSync, existsSync } from "node:fs";
import { noBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { RunOutcome } from "../engine/ports.ts";
import type { RunRequest, RunSpec } from "../engine/run-wire.ts";
import { BoundedBuffer } from "./bounded-buffer.ts";
import { type PipeReading, readPipe } from "./pipe-reader.ts";
import { ProcessGroup } from "./process-group.ts";
import { programEnvironment } from "./program-environment.ts";
import { openInput } from "./program-input.ts";
import type { ProgramEnd, ProgramHandle, Programs } from "./programs.ts";
import { notStartable, startFailure } from "./start-failure.ts";
import type { StderrLog } from "./stderr-log.ts";
import { TailBuffer } from "./tail-buffer.ts";

const STDERR_TAIL_BYTES = 8192;
/** Between SIGTERM and SIGKILL of a program that took too long. */
const TIMEOUT_GRACE_MS = 3000;
/** How long a child that outlives its program may hold standard output open. */
const LINGER_MS = 2000;
/** How long to wait for the end of pipes whose last known writer was killed. */
const DRAIN_MS = 200;

export interface ProcessProgramsOptions {
  /** Where programs run, and where their input lies: the executor's sandbox. */
  readonly folder: string;
  readonly clock: Clock;
  readonly stderrLog: Pick<StderrLog, "write">;
}

/** `process` isolation: each run is a fresh process in a group of its own, in the executor's sandbox. */
export class ProcessPrograms implements Programs {
  readonly #options: ProcessProgramsOptions;
  readonly #groups = new Set<ProcessGroup>();

  constructor(options: ProcessProgramsOptions) {
    this.#options = options;
  }

  start(runKey: string, request: RunRequest, onEnd: (end: ProgramEnd) => void): ProgramHandle {
    const { folder, clock, stderrLog } = this.#options;
    const { spec } = request;
    const startedMs = clock.monotonicMs();
    const argv = argvOf(spec);
    if (!Array.isArray(argv)) return endAtOnce(ended(spec, argv), onEnd);

    const child = spawn(argv, request, folder);
    if ("type" in child) return endAtOnce(child.type === "lost" ? child : ended(spec, child), onEnd);

    const run = new ProcessRun(child, spec, clock, (chunk) => stderrLog.write(runKey, chunk));
    this.#groups.add(run.group);
    void run.end().then((end) => {
      this.#groups.delete(run.group);
      if (end.type === "ended") {
        onEnd({ type: "ended", result: { ...end.result, durationMs: clock.monotonicMs() - startedMs } });
      } else onEnd(end);
    });
    return run;
  }

  killAll(): void {
    for (const group of this.#groups) group.kill();
  }
}

type NotStartable = Extract<RunOutcome, { type: "not-startable" }>;
type Ended = Extract<ProgramEnd, { type: "ended" }>;
type Lost = Extract<ProgramEnd, { type: "lost" }>;
type ChildProcess = Bun.Subprocess<number | "ignore", "pipe", "pipe">;

/** Why we ended a run; the first reason decides its outcome. */
type EndedByUs = Extract<RunOutcome, { type: "killed" | "timed-out" | "output-too-large" }>;

class ProcessRun implements ProgramHandle {
  readonly group: ProcessGroup;
  readonly #child: ChildProcess;
  readonly #spec: RunSpec;
  readonly #clock: Clock;
  readonly #stdout: BoundedBuffer;
  readonly #stderrTail = new TailBuffer(STDERR_TAIL_BYTES);
  readonly #onStderr: (chunk: Uint8Array) => void;
  #endedByUs: EndedByUs | undefined;

  constructor(child: ChildProcess, spec: RunSpec, clock: Clock, onStderr: (chunk: Uint8Array) => void) {
    this.group = new ProcessGroup(child.pid, clock);
    this.#child = child;
    this.#spec = spec;
    this.#clock = clock;
    this.#stdout = new BoundedBuffer(spec.maxOutputBytes);
    this.#onStderr = onStderr;
  }

  kill(graceMs: number): void {
    this.#endedByUs ??= { type: "killed" };
    this.group.terminate(graceMs);
  }

  /** Follows the process to its end. Never rejects. */
  async end(): Promise<ProgramEnd> {
    const { timeoutMs } = this.#spec;
    const cancelTimeout =
      timeoutMs === null ? undefined : this.#clock.schedule(timeoutMs, () => this.#timeOut(timeoutMs));
    const stdout = readPipe(this.#child.stdout, (chunk) => this.#onStdout(chunk, stdout));
    const stderr = readPipe(this.#child.stderr, (chunk) => {
      this.#stderrTail.add(chunk);
      this.#onStderr(chunk);
    });

    await this.#child.exited;
    cancelTimeout?.();
    // A child of the program may still write to standard output, but it cannot keep the run for itself. Whoever is
    // left of the group then goes: nothing outlives what it was for.
    await within(LINGER_MS, stdout.end, this.#clock);
    this.group.kill();
    await within(DRAIN_MS, Promise.all([stdout.end, stderr.end]), this.#clock);
    stdout.stop();
    stderr.stop();

    const stdoutEnd = await stdout.end;
    if (typeof stdoutEnd === "object") {
      return { type: "lost", message: `Cannot read standard output: ${describeError(stdoutEnd.error)}` };
    }
    return ended(this.#spec, this.#outcome(), this.#stdout.bytes, this.#stderrTail.bytes);
  }

  #onStdout(chunk: Uint8Array, stdout: PipeReading): void {
    if (this.#stdout.add(chunk)) return;
    this.#endedByUs ??= { type: "output-too-large", limitBytes: this.#spec.maxOutputBytes };
    stdout.stop();
    this.group.kill();
  }

  #timeOut(afterMs: number): void {
    this.#endedByUs ??= { type: "timed-out", afterMs };
    this.group.terminate(TIMEOUT_GRACE_MS);
  }

  #outcome(): RunOutcome {
    if (this.#endedByUs !== undefined) return this.#endedByUs;
    const { exitCode, signalCode } = this.#child;
    if (signalCode !== null) return { type: "signaled", signal: String(signalCode) };
    return exitCode === 0 ? { type: "succeeded" } : { type: "exited", code: exitCode ?? -1 };
  }
}

/** The arguments to start with, or why this specification cannot be run as a process. */
function argvOf(spec: RunSpec): string[] | NotStartable {
  const { name, isolation, program } = spec;
  if (isolation !== "process" || program.type !== "command") {
    const message = `Cannot run processor "${name}": this executor does not run containers, must be a command with isolation "process"`;
    return notStartable("option-refused", message);
  }
  return typeof program.command === "string" ? ["/bin/sh", "-c", program.command] : [...program.command];
}

function spawn(argv: string[], request: RunRequest, folder: string): ChildProcess | NotStartable | Lost {
  const program = argv[0] ?? "";
  const lost = (error: unknown): Lost => {
    return { type: "lost", message: `Cannot start "${program}": ${describeError(error)}` };
  };
  const { value } = request.record;
  let stdin: number | "ignore" = "ignore";
  try {
    if (value !== null && value.byteLength > 0) stdin = openInput(value, folder);
  } catch (error) {
    return lost(error);
  }
  try {
    // `detached`: a session, and so a process group, of its own.
    const env = programEnvironment(request);
    return Bun.spawn(argv, { cwd: folder, env, stdin, stdout: "pipe", stderr: "pipe", detached: true });
  } catch (error) {
    // ENOENT would not tell a missing folder from a missing program.
    return (existsSync(folder) ? startFailure(program, error) : undefined) ?? lost(error);
  } finally {
    if (typeof stdin === "number") closeSync(stdin);
  }
}

function ended(spec: RunSpec, outcome: RunOutcome, stdout = noBytes, stderrTail = noBytes): Ended {
  return { type: "ended", result: { outcome, stdout, stderrTail, durationMs: 0, specVersion: spec.version } };
}

function endAtOnce(end: ProgramEnd, onEnd: (end: ProgramEnd) => void): ProgramHandle {
  queueMicrotask(() => onEnd(end));
  return { kill: () => undefined };
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
