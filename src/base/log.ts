import { type Clock, systemClock } from "./clock.ts";
import { describeError } from "./errors.ts";

/** error: a person should act; warn: handled, yet unusual; info: a state changed; debug: one record. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Values of a log line. Never payloads, keys or secrets. Errors are written as one line of text. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface LogEntry {
  readonly timeMs: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export type LogSink = (entry: LogEntry) => void;

/** Constant messages with fields: `log.info("task launched", { processor, taskId })`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to all that it writes. */
  child(fields: LogFields): Logger;
}

export const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export interface LoggerOptions {
  readonly sink: LogSink;
  /** Entries below it are dropped. Default `info`. */
  readonly level?: LogLevel;
  readonly clock?: Clock;
}

export function createLogger({ sink, level = "info", clock = systemClock }: LoggerOptions): Logger {
  const lowest = logLevels.indexOf(level);
  const make = (base: LogFields): Logger => {
    const at =
      (own: LogLevel) =>
      (message: string, fields: LogFields = {}): void => {
        if (logLevels.indexOf(own) < lowest) return;
        sink({ timeMs: clock.wallMs(), level: own, message, fields: { ...base, ...fields } });
      };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (fields) => make({ ...base, ...fields }),
    };
  };
  return make({});
}

/** For tests and for libraries used without a log. */
export const silentLogger: Logger = createLogger({ sink: () => undefined, level: "error" });

/** One JSON object a line: `{"time":…,"level":…,"msg":…, …fields}`. */
export function formatJsonLine({ timeMs, level, message, fields }: LogEntry): string {
  const line: Record<string, unknown> = { time: new Date(timeMs).toISOString(), level, msg: message };
  for (const [name, value] of Object.entries(fields)) line[name] = plain(value);
  return JSON.stringify(line);
}

/** For a terminal: `12:00:01 WARN  message  name=value`. */
export function formatTextLine({ timeMs, level, message, fields }: LogEntry): string {
  const time = new Date(timeMs).toISOString().slice(11, 23);
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const shown = plain(value);
      return `${name}=${typeof shown === "string" && !/[\s"]/.test(shown) ? shown : JSON.stringify(shown)}`;
    });
  return [time, level.toUpperCase().padEnd(5), message, ...pairs].join(" ");
}

function plain(value: unknown): unknown {
  if (value instanceof Error) return describeError(value);
  return typeof value === "bigint" ? value.toString() : value;
}
