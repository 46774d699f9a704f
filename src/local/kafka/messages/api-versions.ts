import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message, MessageVersions } from "../protocol/message.ts";

/*
 * ApiVersionsRequest => clientSoftwareName:string(3+) clientSoftwareVersion:string(3+) tags
 *
 * ApiVersionsResponse => errorCode:int16 [apiKeys] throttleTimeMs:int32(1+) tags
 *   apiKeys => apiKey:int16 minVersion:int16 maxVersion:int16 tags
 *
 * Its response header has no tagged fields in any version, so that a client can read it before it knows the broker.
 */

export interface ApiVersionsRequest {
  readonly clientSoftwareName: string | null;
  readonly clientSoftwareVersion: string | null;
}

export interface ApiVersionsResponse {
  readonly errorCode: ErrorCode;
  readonly apis: readonly Pick<MessageVersions, "apiKey" | "minVersion" | "maxVersion">[];
}

export const apiVersions: Message<ApiVersionsRequest, ApiVersionsResponse> = {
  apiKey: 18,
  name: "ApiVersions",
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  decodeRequest(reader, version) {
    if (version < 3) return { clientSoftwareName: null, clientSoftwareVersion: null };
    const request = { clientSoftwareName: reader.string(), clientSoftwareVersion: reader.string() };
    reader.tags();
    return request;
  },
  encodeResponse(writer, { errorCode, apis }, version) {
    writer.int16(errorCode);
    writer.array(apis, (api) => {
      writer.int16(api.apiKey);
      writer.int16(api.minVersion);
      writer.int16(api.maxVersion);
      writer.tags();
    });
    if (version >= 1) writer.int32(0);
    writer.tags();
  },
};
