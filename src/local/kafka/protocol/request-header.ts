import type { Reader } from "../../../kafka/protocol/reader.ts";

/**
 * ```
 * RequestHeader => apiKey:int16 apiVersion:int16 correlationId:int32 clientId:nullableString tags(flexible)
 * ```
 * The client id keeps its plain int16 length in flexible versions too.
 */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

/** The start of a request that says what it is; {@link decodeClientId} reads the rest. */
export function decodeRequestStart(reader: Reader): Omit<RequestHeader, "clientId"> {
  return { apiKey: reader.int16(), apiVersion: reader.int16(), correlationId: reader.int32() };
}

/** Reads what follows the start. `flexible` is that of the message's version; the reader is left set to it. */
export function decodeClientId(reader: Reader, flexible: boolean): string | null {
  const clientId = reader.nullableString();
  reader.setFlexible(flexible);
  reader.tags();
  return clientId;
}
