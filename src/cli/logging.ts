import { createLogger, formatJsonLine, formatTextLine, type Logger, type LogSink, logLevels } from "../base/log.ts";
import type { Settings } from "../config/settings.ts";
import type { CliIo } from "./command.ts";

export interface ProcessLog {
  readonly log: Logger;
  /** For entries that Workers have made already. */
  readonly sink: LogSink;
}

/** The log of a command without settings: to standard error, as LOG_LEVEL and LOG_FORMAT of its environment say. */
export function environmentLog({ env, stderr }: Pick<CliIo, "env" | "stderr">): ProcessLog {
  const level = logLevels.find((each) => each === env["LOG_LEVEL"]?.toLowerCase()) ?? "info";
  return processLog({ logLevel: level, logFormat: env["LOG_FORMAT"] === "json" ? "json" : "text" }, stderr);
}

/** The log of this process: one line an entry, written by `write`. */
export function processLog(
  { logLevel, logFormat }: Pick<Settings, "logLevel" | "logFormat">,
  write: (text: string) => void,
): ProcessLog {
  const format = logFormat === "json" ? formatJsonLine : formatTextLine;
  const sink: LogSink = (entry) => write(`${format(entry)}\n`);
  return { log: createLogger({ sink, level: logLevel }), sink };
}
