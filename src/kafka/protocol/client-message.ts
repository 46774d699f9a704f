import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/**
 * One request of the protocol with its response, as a client writes and reads them.
 *
 * The codecs are pure. Field order, types and versions follow Kafka's message definitions, which each file shows as a
 * grammar: a field is followed by the versions that have it, where that is not all of them.
 *
 * @see https://kafka.apache.org/protocol.html#protocol_messages
 */
export interface ClientMessage<Request, Response> {
  readonly apiKey: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First version in which a broker that throttles answers at once, and the client is to keep quiet (KIP-219). */
  readonly throttledFrom: number;
  /** First version with compact lengths and tagged fields (KIP-482); undefined: none of those that are known here. */
  readonly flexibleFrom?: number;
  encodeRequest(writer: Writer, request: Request, version: number): void;
  /** @throws {ProtocolError} */
  decodeResponse(reader: Reader, version: number): Response & Throttled;
}

export interface Throttled {
  readonly throttleMs: number;
}
