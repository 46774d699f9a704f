import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * SaslHandshakeRequest => mechanism:string
 * SaslHandshakeResponse => errorCode:int16 [mechanisms:string]
 *
 * SaslAuthenticateRequest => authBytes:bytes tags
 * SaslAuthenticateResponse => errorCode:int16 errorMessage:nullableString authBytes:bytes sessionLifetimeMs:int64(1+)
 *                             tags
 *
 * After version 0 of the handshake clients send what they have to say as it is, without a request around it.
 */

export interface SaslHandshakeRequest {
  readonly mechanism: string;
}

export interface SaslHandshakeResponse {
  readonly errorCode: ErrorCode;
  readonly mechanisms: readonly string[];
}

export const saslHandshake: Message<SaslHandshakeRequest, SaslHandshakeResponse> = {
  apiKey: 17,
  name: "SaslHandshake",
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 2,
  decodeRequest: (reader) => ({ mechanism: reader.string() }),
  encodeResponse(writer, { errorCode, mechanisms }) {
    writer.int16(errorCode);
    writer.array(mechanisms, (mechanism) => writer.string(mechanism));
  },
};

export interface SaslAuthenticateRequest {
  readonly authBytes: Uint8Array;
}

export interface SaslAuthenticateResponse {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  readonly authBytes: Uint8Array;
}

export const saslAuthenticate: Message<SaslAuthenticateRequest, SaslAuthenticateResponse> = {
  apiKey: 36,
  name: "SaslAuthenticate",
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  decodeRequest(reader) {
    const request = { authBytes: reader.bytes() };
    reader.tags();
    return request;
  },
  encodeResponse(writer, { errorCode, errorMessage, authBytes }, version) {
    writer.int16(errorCode);
    writer.nullableString(errorMessage);
    writer.bytes(authBytes);
    if (version >= 1) writer.int64(0); // it lives as long as its connection
    writer.tags();
  },
};
