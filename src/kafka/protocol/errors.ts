import { BrigadeError } from "../../base/errors.ts";

/**
 * Bytes that are not what Kafka's protocol says: requests, answers, or the records in them. What follows on a connection
 * that brought a broken request or answer cannot be trusted; broken records concern their partition alone.
 */
export class ProtocolError extends BrigadeError {
  override readonly name = "ProtocolError";
  readonly code = "kafka-protocol";
  readonly fault = "input";
}
