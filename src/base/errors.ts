/** Whose fault an error is (docs/concepts/promises.md, I7); it decides whether and where something is tried again. */
export type Fault = "infrastructure" | "program" | "processor" | "input" | "bug";

/**
 * The base of every error that Brigade throws.
 *
 * A subclass exists for each thing that a caller does differently. The message says the action, then what is so, then
 * what was wanted, without a full stop.
 */
export abstract class BrigadeError extends Error {
  abstract override readonly name: string;
  /** Stable, for programs: `mesos-call-rejected`. */
  abstract readonly code: string;
  abstract readonly fault: Fault;
}

/** Something that cannot be so is so. The Worker in which it happens stops loudly. */
export class InvariantError extends BrigadeError {
  override readonly name = "InvariantError";
  readonly code = "invariant";
  readonly fault = "bug";
}

/** A mistake in how a command was called: exit code 2. */
export class UsageError extends BrigadeError {
  override readonly name = "UsageError";
  readonly code = "usage";
  readonly fault = "input";
}

/** Something the user named (a file, a setting, a topic) is not as it must be. */
export class InputError extends BrigadeError {
  override readonly name = "InputError";
  readonly code = "input";
  readonly fault = "input";
}

/** Throws an {@link InvariantError} unless `condition` holds. Stays on in production. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Makes a `switch` over a union exhaustive: a new member does not compile until it is handled. */
export function assertNever(value: never): never {
  throw new InvariantError(`Unexpected value ${JSON.stringify(value)}`);
}

/** Errno-like code (`ECONNREFUSED`) of an error or of its cause, if it has one. */
export function errorCode(error: unknown): string | undefined {
  for (let e: unknown = error, depth = 0; e instanceof Error && depth < 5; e = e.cause, depth++) {
    if ("code" in e && typeof e.code === "string") return e.code;
  }
  return undefined;
}

/** One line for a log or a terminal: the message, followed by its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const parts: string[] = [];
  for (let e: unknown = error, depth = 0; e !== undefined && depth < 5; depth++) {
    if (!(e instanceof Error)) {
      parts.push(typeof e === "string" ? e : (JSON.stringify(e) ?? "unknown"));
      break;
    }
    const text = e.message === "" ? e.name : e.message;
    // Many a message ends with what its cause says, already.
    if (!parts.some((part) => part.endsWith(text))) parts.push(text);
    e = e.cause;
  }
  return parts.join(": ");
}

/** An error as data, to cross a thread or a socket. */
export interface ErrorData {
  readonly name: string;
  readonly code: string;
  readonly fault: Fault;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: ErrorData | undefined;
}

/** An error that came from another thread, with that thread's name, code, fault and stack. */
export class RemoteError extends BrigadeError {
  override readonly name: string;
  readonly code: string;
  readonly fault: Fault;
  constructor(data: ErrorData) {
    super(data.message, data.cause === undefined ? undefined : { cause: new RemoteError(data.cause) });
    this.name = data.name;
    this.code = data.code;
    this.fault = data.fault;
    if (data.stack !== undefined) this.stack = data.stack;
  }
}

export function errorToData(error: unknown, depth = 0): ErrorData {
  const known = error instanceof BrigadeError ? error : undefined;
  const asError = error instanceof Error ? error : undefined;
  return {
    name: asError?.name ?? "Error",
    code: known?.code ?? errorCode(error) ?? "unknown",
    fault: known?.fault ?? "bug",
    message: asError?.message ?? String(error),
    stack: asError?.stack,
    cause: asError?.cause === undefined || depth >= 4 ? undefined : errorToData(asError.cause, depth + 1),
  };
}

export function errorFromData(data: ErrorData): RemoteError {
  return new RemoteError(data);
}
