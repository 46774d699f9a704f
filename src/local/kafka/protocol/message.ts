import type { Reader } from "../../../kafka/protocol/reader.ts";
import type { Writer } from "../../../kafka/protocol/writer.ts";

/**
 * One request of the protocol with its response: which versions are served and how they are written.
 *
 * The codecs are pure. Field order, types and versions follow Kafka's message definitions, which each file of
 * `messages/` shows as a grammar: a field is followed by the versions that have it, where that is not all of them.
 *
 * @see https://kafka.apache.org/protocol.html#protocol_messages
 */
export interface Message<Request, Response> {
  readonly apiKey: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First version with compact lengths and tagged fields; one past `maxVersion` where none has them. */
  readonly flexibleFrom: number;
  /** @throws {ProtocolError} */
  decodeRequest(reader: Reader, version: number): Request;
  encodeResponse(writer: Writer, response: Response, version: number): void;
}

/** The version ranges of a message, without its types. */
export type MessageVersions = Pick<
  Message<unknown, unknown>,
  "apiKey" | "name" | "minVersion" | "maxVersion" | "flexibleFrom"
>;
