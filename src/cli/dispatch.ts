import { describeError, UsageError } from "../base/errors.ts";
import { brigadeVersion } from "../base/version.ts";
import { type CliIo, exitCodes } from "./command.ts";
import type { CommandEntry } from "./commands.ts";

/**
 * Runs `brigade <argv>`.
 *
 * @param argv without the program's name
 * @returns the exit code. Errors are printed here, as one line; with LOG_LEVEL=debug their stack follows.
 */
export async function dispatch(argv: readonly string[], io: CliIo, commands: readonly CommandEntry[]): Promise<number> {
  const [word, ...args] = argv;
  try {
    switch (word) {
      case undefined:
        io.stderr(await overview(commands));
        return exitCodes.usage;
      case "--version":
      case "-V":
        io.stdout(`brigade ${brigadeVersion}\n`);
        return exitCodes.success;
      case "--help":
      case "-h":
      case "help":
        io.stdout(args[0] === undefined ? await overview(commands) : await usageOf(args[0], commands));
        return exitCodes.success;
      default:
        return await runCommand(word, args, io, commands);
    }
  } catch (error) {
    return report(error, io);
  }
}

async function runCommand(
  name: string,
  args: readonly string[],
  io: CliIo,
  commands: readonly CommandEntry[],
): Promise<number> {
  const command = await (await find(name, commands)).load();
  if (asksForHelp(args)) {
    io.stdout(command.usage);
    return exitCodes.success;
  }
  try {
    return await command.run(args, io);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    report(error, io);
    io.stderr(`\n${command.usage}`);
    return exitCodes.usage;
  }
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === "--help" || arg === "-h");
}

async function find(name: string, commands: readonly CommandEntry[]): Promise<CommandEntry> {
  const entry = commands.find((command) => command.name === name);
  if (entry !== undefined) return entry;
  const { didYouMean } = await import("../config/nearest.ts");
  const visible = commands.filter(({ hidden }) => hidden !== true).map((command) => command.name);
  const hint = didYouMean(name, visible) ?? "brigade --help lists all";
  throw new UsageError(`There is no command "${name}" (${hint})`);
}

async function usageOf(name: string, commands: readonly CommandEntry[]): Promise<string> {
  return (await (await find(name, commands)).load()).usage;
}

async function overview(commands: readonly CommandEntry[]): Promise<string> {
  const visible = await Promise.all(commands.filter(({ hidden }) => hidden !== true).map((entry) => entry.load()));
  const width = Math.max(...visible.map(({ name }) => name.length));
  const lines = visible.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`);
  return `Usage: brigade COMMAND [OPTIONS]

Runs Kafka messages through programs and containers on Apache Mesos.

${lines.join("")}
brigade COMMAND --help tells more about each. Exit codes: 0 success, 1 failure, 2 wrong usage.
`;
}

function report(error: unknown, io: CliIo): number {
  // Ctrl-C while something waited: the user knows.
  if (io.signal.aborted && error === io.signal.reason) return exitCodes.failure;
  io.stderr(`brigade: ${describeError(error)}\n`);
  if (io.env["LOG_LEVEL"] === "debug" && error instanceof Error && error.stack !== undefined) {
    io.stderr(`${error.stack}\n`);
  }
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failure;
}
