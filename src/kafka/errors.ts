import { BrigadeError } from "../base/errors.ts";
import { MetadataTooLargeError, TopicRefusedError } from "../engine/errors.ts";

/*
 * kafkajs wraps errors as it retries: the protocol's own error type may sit two causes deep. Everything here looks at
 * `type` (Kafka's name of the error code) and `name` (kafkajs' class), never at messages.
 */

/** Kafka cannot be reached, or does not do what was asked for now: worth trying again. */
export class KafkaUnavailableError extends BrigadeError {
  override readonly name = "KafkaUnavailableError";
  readonly code = "kafka-unavailable";
  readonly fault = "infrastructure";
}

/** Kafka says no for good: forbidden, not supported, wrong settings. A person has to change something. */
export class KafkaRefusedError extends BrigadeError {
  override readonly name = "KafkaRefusedError";
  readonly code = "kafka-refused";
  readonly fault = "processor";
}

/** The topic is not the one any more that was read: what is known of its positions is void. */
export class TopicMadeAnewError extends BrigadeError {
  override readonly name = "TopicMadeAnewError";
  readonly code = "topic-made-anew";
  readonly fault = "infrastructure";
}

/** The connection was closed by us while something was under way. */
export class KafkaClosedError extends BrigadeError {
  override readonly name = "KafkaClosedError";
  readonly code = "kafka-closed";
  readonly fault = "infrastructure";
}

/** Kafka's name of the error code (`UNKNOWN_MEMBER_ID`), if a broker sent one. */
export function kafkaErrorType(error: unknown): string | undefined {
  for (let e: unknown = error, depth = 0; e instanceof Error && depth < 6; e = e.cause, depth++) {
    if ("type" in e && typeof e.type === "string") return e.type;
  }
  return undefined;
}

/** kafkajs' class of an error or of one of its causes. */
function hasName(error: unknown, names: ReadonlySet<string>): boolean {
  for (let e: unknown = error, depth = 0; e instanceof Error && depth < 6; e = e.cause, depth++) {
    if (names.has(e.name)) return true;
  }
  return false;
}

/** The group went on without this member, or without this generation of it: a commit of it changes nothing. */
const STALE_MEMBER = new Set([
  "UNKNOWN_MEMBER_ID",
  "ILLEGAL_GENERATION",
  "REBALANCE_IN_PROGRESS",
  "FENCED_INSTANCE_ID",
]);

/** The coordinator is another broker, or is still reading its log: ask again who it is. */
const COORDINATOR_MOVED = new Set([
  "GROUP_LOAD_IN_PROGRESS",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
]);

const TOPIC_MISSING = new Set(["UNKNOWN_TOPIC_OR_PARTITION", "INVALID_TOPIC_EXCEPTION"]);
const TOPIC_FORBIDDEN = new Set(["TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"]);

/** A record that no repetition makes acceptable. */
const RECORD_REFUSED = new Set([
  "MESSAGE_TOO_LARGE",
  "RECORD_LIST_TOO_LARGE",
  "INVALID_RECORD",
  "INVALID_TIMESTAMP",
  "POLICY_VIOLATION",
]);

const TOO_LARGE = new Set(["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"]);

/** Of a record that is refused: whether a smaller one would do. */
export function isTooLarge(error: unknown): boolean {
  return TOO_LARGE.has(kafkaErrorType(error) ?? "");
}

/** Broker and producer disagree on what was written last: only a new producer id helps. */
const PRODUCER_LOST = new Set([
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
  "INVALID_PRODUCER_EPOCH",
  "INVALID_PRODUCER_ID_MAPPING",
]);

/** Nothing that trying again soon will mend, and not the topic's fault either. */
const REFUSED = new Set([
  "GROUP_AUTHORIZATION_FAILED",
  "INVALID_GROUP_ID",
  "INVALID_SESSION_TIMEOUT",
  "INCONSISTENT_GROUP_PROTOCOL",
  "GROUP_MAX_SIZE_REACHED",
  "UNSUPPORTED_VERSION",
  "UNSUPPORTED_COMPRESSION_TYPE",
  "UNSUPPORTED_SASL_MECHANISM",
  "SASL_AUTHENTICATION_FAILED",
  "OFFSET_METADATA_TOO_LARGE",
  "INVALID_COMMIT_OFFSET_SIZE",
]);
const REFUSED_NAMES = new Set([
  "KafkaJSSASLAuthenticationError",
  "KafkaJSNotImplemented",
  "KafkaJSServerDoesNotSupportApiKey",
  "KafkaJSUnsupportedMagicByteInMessageSet",
]);

const NOT_SERVED_YET = new Set([
  "UNKNOWN_TOPIC_OR_PARTITION",
  "LEADER_NOT_AVAILABLE",
  "NOT_LEADER_FOR_PARTITION",
  "REPLICA_NOT_AVAILABLE",
]);

/** Of a topic that was just made: a broker hears of it a moment after the controller has answered. */
export function isNotServedYet(error: unknown): boolean {
  return NOT_SERVED_YET.has(kafkaErrorType(error) ?? "");
}

/** A topic that is there, and not for this user. */
export function isForbidden(error: unknown): boolean {
  return TOPIC_FORBIDDEN.has(kafkaErrorType(error) ?? "");
}

/** Of a commit; what is sent has to become shorter. */
const METADATA_TOO_LARGE = new Set(["OFFSET_METADATA_TOO_LARGE", "INVALID_COMMIT_OFFSET_SIZE"]);

const UNREACHABLE_NAMES = new Set(["KafkaJSConnectionError"]);

/** How kafkajs says that no broker knew the coordinator, or that none could be asked. */
const COORDINATOR_NAMES = new Set(["KafkaJSGroupCoordinatorNotFound"]);

/** No connection came about; another broker may be there. */
export function isUnreachable(error: unknown): boolean {
  return hasName(error, UNREACHABLE_NAMES);
}

/** What a caller does about an error of kafkajs. */
export type KafkaFailure =
  | "stale-member"
  | "coordinator-moved"
  | "topic-refused"
  | "record-refused"
  | "producer-lost"
  | "already-written"
  | "out-of-range"
  | "refused"
  | "unavailable";

export function classifyFailure(error: unknown): KafkaFailure {
  if (error instanceof TopicRefusedError) return "topic-refused";
  if (error instanceof KafkaRefusedError) return "refused";
  // Where to go on is to be decided anew, as with a position that lies outside of the log.
  if (error instanceof TopicMadeAnewError) return "out-of-range";
  const type = kafkaErrorType(error);
  if (type === undefined) {
    if (hasName(error, COORDINATOR_NAMES)) return "coordinator-moved";
    return hasName(error, REFUSED_NAMES) ? "refused" : "unavailable";
  }
  if (STALE_MEMBER.has(type)) return "stale-member";
  if (COORDINATOR_MOVED.has(type)) return "coordinator-moved";
  if (TOPIC_MISSING.has(type) || TOPIC_FORBIDDEN.has(type)) return "topic-refused";
  if (RECORD_REFUSED.has(type)) return "record-refused";
  if (PRODUCER_LOST.has(type)) return "producer-lost";
  if (type === "DUPLICATE_SEQUENCE_NUMBER") return "already-written";
  if (type === "OFFSET_OUT_OF_RANGE") return "out-of-range";
  return REFUSED.has(type) ? "refused" : "unavailable";
}

/** `Cannot <action> topic "x": it does not exist`, and the like. */
export function topicRefused(topic: string, action: string, cause: unknown): TopicRefusedError {
  if (cause instanceof TopicRefusedError) return cause;
  const type = kafkaErrorType(cause);
  const why =
    type === "INVALID_TOPIC_EXCEPTION"
      ? "Kafka does not accept its name"
      : isForbidden(cause)
        ? "Kafka forbids it to this user"
        : "it does not exist";
  const missing = type === "UNKNOWN_TOPIC_OR_PARTITION";
  return new TopicRefusedError(topic, `Cannot ${action} topic "${topic}": ${why}`, { cause, missing });
}

/** An error of kafkajs as one of ours, for events and callers outside this folder. */
export function asKafkaError(action: string, cause: unknown): BrigadeError {
  if (cause instanceof BrigadeError) return cause;
  const type = kafkaErrorType(cause);
  const detail = type ?? (cause instanceof Error ? cause.message : String(cause));
  const message = `Cannot ${action}: Kafka answers ${detail}`;
  if (type !== undefined && METADATA_TOO_LARGE.has(type)) return new MetadataTooLargeError(message, { cause });
  if (classifyFailure(cause) === "refused") return new KafkaRefusedError(message, { cause });
  const text = type === undefined ? `Cannot ${action}: ${detail}` : message;
  return new KafkaUnavailableError(text, { cause });
}
