import { BrigadeError } from "../../base/errors.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import { notStartable } from "../start-failure.ts";
import type { ContainerConfig } from "./container-config.ts";
import type { ContainerState } from "./container-exit.ts";
import { EngineRefusedError } from "./errors.ts";

/** A run is over before its program ran: it was not wanted any more, or it cannot be started as it is specified. */
export class NeverRanError extends BrigadeError {
  override readonly name = "NeverRanError";
  readonly code = "never-ran";
  readonly fault = "processor";
  readonly outcome: RunOutcome;

  constructor(outcome: RunOutcome) {
    super(outcome.type === "not-startable" ? outcome.message : "The run was ended before its program ran");
    this.outcome = outcome;
  }
}

/**
 * The Engine's own exit codes of a container that did not start, where the runtime spoke of a file that is not there or
 * may not be used: the program, perhaps, or one of the host's.
 */
const CANNOT_EXECUTE = 126;
const NOT_FOUND = 127;

/**
 * What the Engine says, with status 500 as of its own trouble, of options that no start will ever get past on that host.
 * Only its words tell them apart from a full disk; those of Docker 20.10 and of runc 1.1 stand here.
 */
const optionRefusals: readonly RegExp[] = [
  /unable to find (user|group) /,
  /Cannot mkdir: .* is not a directory/,
  /error gathering device information/,
  /could not select device driver/,
  /error setting rlimit/,
  /wrong rlimit value/,
  /invalid tmpfs option/,
  /unable to apply caps/,
  /sethostname: /,
];
/** Of exit codes 126 and 127 as well: mounts that do not fit, a working folder that is none, GPUs without a driver. */
const fileRefusal = /error mounting|mount a directory onto a file|chdir to cwd|nvidia-container-cli/;

/** Linux passes no argument and no variable that is longer, the NUL behind it included. */
const MAX_ARGUMENT_BYTES = 131_072;

/**
 * What no program can be started with. Asked beforehand, since a runtime tells of it as of an exit of the program.
 *
 * @throws {NeverRanError} which never shows a value
 */
export function refuseTooLong({
  Env,
  Entrypoint = [],
  Cmd = [],
}: Pick<ContainerConfig, "Env" | "Entrypoint" | "Cmd">): void {
  const isTooLong = (text: string): boolean => Buffer.byteLength(text) >= MAX_ARGUMENT_BYTES;
  const variable = Env.find(isTooLong)?.split("=", 1)[0];
  const what = variable === undefined ? "an argument" : `variable ${variable}`;
  if (variable === undefined && ![...Entrypoint, ...Cmd].some(isTooLong)) return;
  const message = `Cannot run the container: ${what} is too long, must be less than ${MAX_ARGUMENT_BYTES} bytes`;
  throw new NeverRanError(notStartable("option-refused", message));
}

/** What the Engine does not accept of a specification; anything else is the Engine's own trouble, and comes back as it is. */
export function refusedOption(error: unknown): unknown {
  if (!(error instanceof EngineRefusedError)) return error;
  const isOption = error.status < 500 || optionRefusals.some((pattern) => pattern.test(error.reason));
  return isOption ? optionRefused(error) : error;
}

/** The same of a container that was created and does not start. @param state as it is after that */
export function refusedStart(
  error: EngineRefusedError,
  { exitCode, isBeingRemoved, program }: Pick<ContainerState, "exitCode" | "isBeingRemoved" | "program">,
): unknown {
  if (isBeingRemoved) return error;
  if (exitCode !== CANNOT_EXECUTE && exitCode !== NOT_FOUND) return refusedOption(error);
  if (blamesProgram(error.reason, program)) {
    return new NeverRanError(notStartable("program-not-found", `Cannot start the container: ${error.reason}`));
  }
  return [...optionRefusals, fileRefusal].some((pattern) => pattern.test(error.reason)) ? optionRefused(error) : error;
}

/** What is wrong with a file that should be run. */
const fileTrouble = /not found|no such file|permission denied|not a directory|is a directory|exec format/i;

/**
 * Whether a runtime could not start a process because of its program, by its words. They are the same of other files that
 * are missing: those of a container that dies meanwhile (`namespace path: lstat /proc/…`), of the host's cgroups, or the
 * runtime itself. So only what follows the quoted name of the program is about it.
 */
export function blamesProgram(words: string, program: string): boolean {
  // Old runtimes quote it twice: `caused "exec: \"nothing\": …"`.
  const [plain, name] = [words, program].map((text) => text.replaceAll("\\", "")) as [string, string];
  return ['"', "'", "`"].some((quote) => {
    const [, behind] = plain.split(`${quote}${name}${quote}`, 2);
    return behind !== undefined && fileTrouble.test(behind);
  });
}

function optionRefused({ reason }: EngineRefusedError): NeverRanError {
  return new NeverRanError(notStartable("option-refused", `Cannot run the container: ${reason}`));
}
