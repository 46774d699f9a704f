import { BrigadeError } from "../../base/errors.ts";

/**
 * What is wrong with a message.
 *
 * - `malformed`: the bytes are not a message of the encoding: cut short, not JSON
 * - `mismatched`: JSON that does not fit the message: a number for a string, a required field missing
 * - `invalid`: a message that lacks what its `type` demands, or has no known `type`
 * - `unsupported`: a call that Mesos knows and this library does not
 */
export type CodecProblem = "malformed" | "mismatched" | "invalid" | "unsupported";

/** Bytes that are not the message that they should be, or a value that cannot be written. */
export class CodecError extends BrigadeError {
  override readonly name = "CodecError";
  readonly code = "mesos-codec";
  readonly fault = "infrastructure";
  readonly problem: CodecProblem;
  /** Mesos' own words for it, as a server sends them behind its prefix: `Expecting 'kill' to be present`. */
  readonly detail: string;

  constructor(problem: CodecProblem, detail: string, options?: ErrorOptions) {
    super(`Cannot read Mesos message: ${detail}`, options);
    this.problem = problem;
    this.detail = detail;
  }
}

/** A value that has no form on the wire: a name that its enum does not have, a required field left out. */
export class EncodeError extends BrigadeError {
  override readonly name = "EncodeError";
  readonly code = "mesos-encode";
  readonly fault = "bug";

  constructor(message: string, field: string, what: string) {
    super(`Cannot write ${message}: ${field} ${what}`);
  }
}
