import { BrigadeError } from "../base/errors.ts";

/** A commit for an assignment that is no longer ours. Nothing was committed. */
export class StaleAssignmentError extends BrigadeError {
  override readonly name = "StaleAssignmentError";
  readonly code = "stale-assignment";
  readonly fault = "infrastructure";
}

/** The broker takes less commit metadata than was sent (`offset.metadata.max.bytes`). Nothing was committed. */
export class MetadataTooLargeError extends BrigadeError {
  override readonly name = "MetadataTooLargeError";
  readonly code = "metadata-too-large";
  readonly fault = "infrastructure";
}

/** Kafka refuses a record for good: too large, or invalid. */
export class RecordRefusedError extends BrigadeError {
  override readonly name = "RecordRefusedError";
  readonly code = "record-refused";
  readonly fault = "program";
  readonly tooLarge: boolean;
  constructor(message: string, options?: ErrorOptions & { readonly tooLarge?: boolean }) {
    super(message, options);
    this.tooLarge = options?.tooLarge ?? false;
  }
}

/** A topic is missing, or we may not use it. */
export class TopicRefusedError extends BrigadeError {
  override readonly name = "TopicRefusedError";
  readonly code = "topic-refused";
  readonly fault = "processor";
  readonly topic: string;
  /** Whether Kafka says that it does not exist. */
  readonly missing: boolean;
  constructor(topic: string, message: string, options?: ErrorOptions & { readonly missing?: boolean }) {
    super(message, options);
    this.topic = topic;
    this.missing = options?.missing ?? false;
  }
}
