import { BrigadeError } from "../../../base/errors.ts";

/** The database cannot be opened, read or written: disk full, locked by another broker, damaged. */
export class StorageError extends BrigadeError {
  override readonly name = "StorageError";
  readonly code = "kafka-storage";
  readonly fault = "infrastructure";
}
