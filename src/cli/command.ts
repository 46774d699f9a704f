import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "../base/errors.ts";

/** What a command may touch of the world it was started in. Tests pass their own. */
export interface CliIo {
  /** Writes to standard output as it is: the line end is the caller's. */
  stdout(text: string): void;
  stderr(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths begin here. */
  readonly cwd: string;
  /** Whether standard output is a terminal: no colour and no progress where it is not. */
  readonly isTerminal: boolean;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Aborted by the second one; absent where there can be none. The third ends the process on the spot. */
  readonly killSignal?: AbortSignal;
  /** Aborted by SIGUSR1: what that means is the command's business. */
  readonly leaveSignal?: AbortSignal;
}

/** Exit codes of every command. */
export const exitCodes = { success: 0, failure: 1, usage: 2 } as const;

export interface CliCommand {
  /** The word after `brigade`. */
  readonly name: string;
  /** One line for `brigade --help`, without a full stop. */
  readonly summary: string;
  /** The whole text of `brigade <name> --help`. */
  readonly usage: string;
  /**
   * @param args what follows the command's name
   * @returns the exit code
   * @throws {UsageError} the arguments are wrong: the caller prints message and usage, and exits 2
   * @throws {BrigadeError} the command failed: the caller prints the message, and exits 1
   */
  run(args: readonly string[], io: CliIo): Promise<number>;
}

/**
 * Node's `parseArgs`, with its complaints (unknown option, missing value, unexpected positional) as usage errors.
 *
 * @throws {UsageError}
 */
export function parseCliArgs<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(firstSentence(error.message));
  }
}

/** Node adds advice on `--` after the first sentence, which helps nobody here. */
function firstSentence(message: string): string {
  return message.split(". ", 1)[0] ?? message;
}
