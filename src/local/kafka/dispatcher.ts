import { ProtocolError } from "../../kafka/protocol/errors.ts";
import { Reader } from "../../kafka/protocol/reader.ts";
import { Writer } from "../../kafka/protocol/writer.ts";
import type { Broker } from "./broker.ts";
import type { RequestContext } from "./handlers/handler.ts";
import { apiVersions } from "./messages/api-versions.ts";
import { produce } from "./messages/produce.ts";
import { decodeClientId, decodeRequestStart } from "./protocol/request-header.ts";
import { type BodyWriter, refuseApiVersions, routes } from "./routes.ts";

const LENGTH_BYTES = 4;
/** Bytes of a request that say what it is: key and version. */
export const REQUEST_KIND_BYTES = 4;

export type Client = Pick<RequestContext, "clientHost" | "signal" | "sasl">;

/**
 * Answers one request, from frame to frame (the length, which precedes both on the wire, only in the answer).
 *
 * @returns undefined where the request wants no answer
 * @throws {ProtocolError} the frame is not a request that this broker serves; the connection is of no more use
 */
export async function answerRequest(
  broker: Broker,
  frame: Uint8Array,
  client: Client,
): Promise<Uint8Array | undefined> {
  const reader = new Reader(frame);
  const { apiKey, apiVersion, correlationId } = decodeRequestStart(reader);
  const route = routes.get(apiKey);
  if (route === undefined) throw new ProtocolError(`Cannot serve request ${apiKey}: this broker does not know it`);
  if (!client.sasl.mayAsk(apiKey))
    throw new ProtocolError(`Cannot serve ${route.name}: the client must authenticate first`);
  if (apiVersion < route.minVersion || apiVersion > route.maxVersion) {
    if (apiKey === apiVersions.apiKey) return encodeAnswer(correlationId, false, false, refuseApiVersions);
    throw new ProtocolError(
      `Cannot serve ${route.name}: its version is ${apiVersion}, must be ${route.minVersion} to ${route.maxVersion}`,
    );
  }
  const flexible = apiVersion >= route.flexibleFrom;
  const clientId = decodeClientId(reader, flexible) ?? "";
  const body = await route.answer(broker, reader, { ...client, clientId, version: apiVersion });
  if (body === undefined) return undefined;
  return encodeAnswer(correlationId, flexible, flexible && apiKey !== apiVersions.apiKey, body);
}

/** Answers what a client says of itself without a request around it, from frame to frame. Failing has no words here. */
export function answerToken(token: Uint8Array, { sasl }: Client): Uint8Array {
  const { authBytes } = sasl.authenticate(token);
  const answer = new Uint8Array(LENGTH_BYTES + authBytes.byteLength);
  new DataView(answer.buffer).setInt32(0, authBytes.byteLength);
  answer.set(authBytes, LENGTH_BYTES);
  return answer;
}

/** Whether the request may begin while others before it, of which this is true too, are under way. */
export function mayOverlap(frame: Uint8Array): boolean {
  return apiKeyOf(frame) === produce.apiKey;
}

/** Why no request begins like this, or undefined where one does. Needs {@link REQUEST_KIND_BYTES}. */
export function requestKindProblem(start: Uint8Array): string | undefined {
  const apiKey = apiKeyOf(start);
  return apiKey === undefined || routes.has(apiKey) ? undefined : `request ${apiKey} is not served`;
}

function apiKeyOf(frame: Uint8Array): number | undefined {
  if (frame.byteLength < REQUEST_KIND_BYTES) return undefined;
  return new DataView(frame.buffer, frame.byteOffset).getInt16(0);
}

function encodeAnswer(correlationId: number, flexible: boolean, flexibleHeader: boolean, body: BodyWriter): Uint8Array {
  const writer = new Writer(flexible);
  writer.int32(0);
  writer.int32(correlationId);
  if (flexibleHeader) writer.tags();
  body(writer);
  writer.patchInt32(0, writer.length - LENGTH_BYTES);
  return writer.finish();
}
