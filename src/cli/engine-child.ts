import type { HostPort } from "../config/settings.ts";
import { formatAnnouncement } from "../local/announcement.ts";
import { type CliIo, exitCodes, parseCliArgs } from "./command.ts";
import { type ProcessLog, processLog } from "./logging.ts";

/** What an engine's process is given by `brigade local`, and how it lives: see src/local/announcement.ts. */
export interface Engine {
  readonly address: HostPort;
  close(): Promise<void>;
}

/** Says where the engine is, and closes it when standard input ends. */
export async function serveAsChild(engine: Engine, io: CliIo): Promise<number> {
  const { host, port } = engine.address;
  io.stdout(formatAnnouncement({ host, port }));
  await standardInputEnds();
  await engine.close();
  return exitCodes.success;
}

/** Signals are not ours: `brigade local` ends its engines last, when nothing needs them any more. */
async function standardInputEnds(): Promise<void> {
  for await (const _ of Bun.stdin.stream()) {
    // nothing is said to us
  }
}

/** The log of a child stands beside that of its parent, in the same form. */
export function childLog(name: string, io: CliIo): ProcessLog {
  const level = io.env["LOG_LEVEL"];
  const { log, sink } = processLog(
    {
      // Engines tell much that only matters when one of them is in doubt.
      logLevel: level === "debug" || level === "error" ? level : "warn",
      logFormat: io.env["LOG_FORMAT"] === "json" ? "json" : "text",
    },
    (line) => io.stderr(line),
  );
  return { log: log.child({ engine: name }), sink };
}

/** Options given by our own parent: a missing one is a bug, and no number is 0. */
export function childOptions(args: readonly string[], names: readonly string[]): (name: string) => string {
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const, default: "" }]));
  const { values } = parseCliArgs({ args: [...args], options });
  return (name) => values[name] ?? "";
}
