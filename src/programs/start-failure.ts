import { describeError, errorCode } from "../base/errors.ts";
import type { RunOutcome } from "../engine/ports.ts";

type NotStartable = Extract<RunOutcome, { type: "not-startable" }>;

/** What execve(2) says of a file that is missing or cannot be executed. */
const programCodes = new Set(["ENOENT", "EACCES", "ENOEXEC", "ENOTDIR", "EISDIR", "ELOOP", "ENAMETOOLONG", "EPERM"]);
/** What it says of arguments and environment, and Bun of those that contain NUL. */
const optionCodes = new Set(["E2BIG", "EINVAL", "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_TYPE"]);

/**
 * Tells whose fault it is that `program` could not be started.
 *
 * @returns undefined where it is the machine's (no process, descriptor or memory left)
 */
export function startFailure(program: string, error: unknown): NotStartable | undefined {
  const code = errorCode(error) ?? "";
  if (code === "ENOENT") return notStartable("program-not-found", `Cannot start "${program}": it does not exist`);
  if (programCodes.has(code)) {
    return notStartable("program-not-found", `Cannot start "${program}": it cannot be executed (${code})`);
  }
  if (optionCodes.has(code)) {
    return notStartable("option-refused", `Cannot start "${program}": ${describeError(error)}`);
  }
  return undefined;
}

export function notStartable(reason: NotStartable["reason"], message: string): NotStartable {
  return { type: "not-startable", reason, message };
}
