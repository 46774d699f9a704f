import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";
import type { BrokerEndpoint } from "./metadata.ts";

/*
 * FindCoordinatorRequest => key:string(0-3) keyType:int8(1+) [coordinatorKeys:string](4+) tags
 *
 * FindCoordinatorResponse => throttleTimeMs:int32(1+) one(0-3) [coordinators](4+) tags
 *   one => errorCode:int16 errorMessage:nullableString(1+) nodeId:int32 host:string port:int32
 *   coordinators => key:string nodeId:int32 host:string port:int32 errorCode:int16 errorMessage:nullableString tags
 */

export const CoordinatorType = { GROUP: 0, TRANSACTION: 1 } as const;

export interface FindCoordinatorRequest {
  readonly keyType: number;
  /** Exactly one before version 4. */
  readonly keys: readonly string[];
}

export interface FoundCoordinator {
  readonly key: string;
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  readonly endpoint: BrokerEndpoint;
}

export interface FindCoordinatorResponse {
  /** One for each key, in order. */
  readonly coordinators: readonly FoundCoordinator[];
}

export const findCoordinator: Message<FindCoordinatorRequest, FindCoordinatorResponse> = {
  apiKey: 10,
  name: "FindCoordinator",
  minVersion: 0,
  maxVersion: 6,
  flexibleFrom: 3,
  decodeRequest(reader, version) {
    const single = version <= 3 ? [reader.string()] : [];
    const keyType = version >= 1 ? reader.int8() : CoordinatorType.GROUP;
    const keys = version >= 4 ? reader.array(() => reader.string()) : single;
    reader.tags();
    return { keyType, keys };
  },
  encodeResponse(writer, { coordinators }, version) {
    if (version >= 1) writer.int32(0);
    const writeEndpoint = ({ nodeId, host, port }: BrokerEndpoint): void => {
      writer.int32(nodeId);
      writer.string(host);
      writer.int32(port);
    };
    const writeError = ({ errorCode, errorMessage }: FoundCoordinator): void => {
      writer.int16(errorCode);
      if (version >= 1) writer.nullableString(errorMessage);
    };
    if (version >= 4) {
      writer.array(coordinators, (found) => {
        writer.string(found.key);
        writeEndpoint(found.endpoint);
        writeError(found);
        writer.tags();
      });
    } else {
      for (const found of coordinators) {
        writeError(found);
        writeEndpoint(found.endpoint);
      }
    }
    writer.tags();
  },
};
