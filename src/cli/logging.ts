import { createLogger, formatJsonLine, formatTextLine, type Logger, type LogSink } from "../base/log.ts";
import type { Settings } from "../config/settings.ts";

export interface ProcessLog {
  readonly log: Logger;
  /** For entries that Workers have made already. */
  readonly sink: LogSink;
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
