import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { decodeUtf8 } from "../base/bytes.ts";
import { BrigadeError, errorCode } from "../base/errors.ts";

/** Linux passes no variable that is longer than 128 KiB, name included. */
const MAX_BYTES = 100_000;

/** Its file is missing, or nothing that a variable can hold. What is in it is never shown. */
export class SecretError extends BrigadeError {
  override readonly name = "SecretError";
  readonly code = "secret-missing";
  readonly fault = "processor";

  constructor(name: string, file: string, why: string) {
    super(`Cannot read secret ${name} from ${file} on the agent: ${why}`);
  }
}

/** What open(2) says of a file that will not be there for this user, however often it is tried. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  ENOTDIR: "it does not exist",
  EACCES: "the executor's user may not read it",
  EPERM: "the executor's user may not read it",
  ELOOP: "its links lead in a circle",
  ENXIO: "it must be a file",
};

/**
 * The value of a secret: what its file holds, without the line end that editors put there.
 *
 * @throws {SecretError} the file is not there, or not usable
 * @throws the file system's error, where that is the machine's
 */
export function readSecret(name: string, file: string): string {
  const wrong = (why: string): SecretError => new SecretError(name, file, why);
  const bytes = readBounded(file, wrong);
  const text = decodeUtf8(bytes);
  if (text === undefined || text.includes("\0")) throw wrong("it must be UTF-8 without NUL");
  return text.replace(/\r?\n$/, "");
}

function readBounded(file: string, wrong: (why: string) => SecretError): Uint8Array {
  const fd = open(file, wrong);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw wrong("it must be a file");
    const buffer = new Uint8Array(MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.byteLength; length += read) {
      read = readSync(fd, buffer, length, buffer.byteLength - length, null);
    }
    if (length > MAX_BYTES) throw wrong(`it has more than ${MAX_BYTES} bytes, which no variable can hold`);
    return buffer.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** Not blocking: the path may be a pipe, at which opening would wait for ever. */
function open(file: string, wrong: (why: string) => SecretError): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const why = reasons[errorCode(error) ?? ""];
    throw why === undefined ? error : wrong(why);
  }
}
