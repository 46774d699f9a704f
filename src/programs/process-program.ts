import { closeSync, existsSync } from "node:fs";
import { describeError } from "../base/errors.ts";
import type { RunOutcome } from "../engine/ports.ts";
import type { RunRequest, RunSpec } from "../engine/run-wire.ts";
import { type ChildProcess, ProcessRun, type ProcessRunOptions } from "./process-run.ts";
import { programEnvironment, STANDARD_PATH } from "./program-environment.ts";
import { openInput } from "./program-input.ts";
import { neverRan, type ProgramEnd, type ProgramHandle, type Programs } from "./programs.ts";
import { notStartable, startFailure } from "./start-failure.ts";

export interface ProcessProgramsOptions extends ProcessRunOptions {
  /** Where programs run, and where their input lies: the executor's sandbox. */
  readonly folder: string;
  /** Variables of every program, beside those of the program's contract. */
  readonly env?: Readonly<Record<string, string>>;
}

/** `process` isolation: each run is a fresh process in a group of its own, in the executor's sandbox. */
export class ProcessPrograms implements Programs {
  readonly #options: ProcessProgramsOptions;
  readonly #runs = new Set<ProcessRun>();

  constructor(options: ProcessProgramsOptions) {
    this.#options = options;
  }

  start(runKey: string, request: RunRequest, onEnd: (end: ProgramEnd) => void): ProgramHandle {
    const { spec } = request;
    const argv = argvOf(spec);
    if (!Array.isArray(argv)) return endAtOnce(neverRan(spec, argv), onEnd);

    const child = spawn(argv, request, this.#options);
    if ("type" in child) return endAtOnce(child.type === "lost" ? child : neverRan(spec, child), onEnd);

    const run = new ProcessRun(child, runKey, spec, this.#options);
    this.#runs.add(run);
    void run.end().then((end) => {
      this.#runs.delete(run);
      onEnd(end);
    });
    return run;
  }

  killAll(): void {
    for (const run of this.#runs) run.kill(0);
  }
}

type NotStartable = Extract<RunOutcome, { type: "not-startable" }>;
type Lost = Extract<ProgramEnd, { type: "lost" }>;
/** The arguments to start with, or why this specification cannot be run as a process. */
function argvOf(spec: RunSpec): string[] | NotStartable {
  const { name, isolation, program } = spec;
  if (isolation !== "process" || program.type !== "command") {
    const message = `Cannot run processor "${name}": this executor does not run containers, must be a command with isolation "process"`;
    return notStartable("option-refused", message);
  }
  return typeof program.command === "string" ? ["/bin/sh", "-c", program.command] : [...program.command];
}

function spawn(
  argv: string[],
  request: RunRequest,
  { folder, env: ownEnv }: ProcessProgramsOptions,
): ChildProcess | NotStartable | Lost {
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
    const env = { PATH: STANDARD_PATH, ...programEnvironment(request), ...ownEnv };
    return Bun.spawn(argv, { cwd: folder, env, stdin, stdout: "pipe", stderr: "pipe", detached: true, lazy: true });
  } catch (error) {
    // ENOENT would not tell a missing folder from a missing program.
    return (existsSync(folder) ? startFailure(program, error) : undefined) ?? lost(error);
  } finally {
    if (typeof stdin === "number") closeSync(stdin);
  }
}

function endAtOnce(end: ProgramEnd, onEnd: (end: ProgramEnd) => void): ProgramHandle {
  queueMicrotask(() => onEnd(end));
  return { kill: () => undefined };
}
