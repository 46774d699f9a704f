import { BrigadeError } from "../../base/errors.ts";

/** The peer sent bytes that are not Kafka's protocol; what follows on that connection cannot be trusted. */
export class ProtocolError extends BrigadeError {
  override readonly name = "ProtocolError";
  readonly code = "kafka-protocol";
  readonly fault = "input";
}
