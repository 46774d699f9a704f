import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";
import { AUTHORIZED_OPERATIONS_NOT_ASKED } from "./authorized-operations.ts";
import type { BrokerEndpoint } from "./metadata.ts";

/*
 * DescribeClusterRequest => includeAuthorizedOperations:boolean endpointType:int8(1+) includeFencedBrokers:boolean(2+)
 *                           tags
 *
 * DescribeClusterResponse => throttleTimeMs:int32 errorCode:int16 errorMessage:nullableString endpointType:int8(1+)
 *                            clusterId:string controllerId:int32 [brokers] authorizedOperations:int32 tags
 *   brokers => nodeId:int32 host:string port:int32 rack:nullableString isFenced:boolean(2+) tags
 */

/** Who is asked for, by Kafka's numbers. */
export const BROKERS = 1;
export const CONTROLLERS = 2;

export interface DescribeClusterRequest {
  readonly endpointType: number;
}

export interface DescribeClusterResponse {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  readonly endpointType: number;
  readonly clusterId: string;
  readonly controllerId: number;
  readonly brokers: readonly BrokerEndpoint[];
}

export const describeCluster: Message<DescribeClusterRequest, DescribeClusterResponse> = {
  apiKey: 60,
  name: "DescribeCluster",
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  decodeRequest(reader, version) {
    reader.boolean();
    const endpointType = version >= 1 ? reader.int8() : BROKERS;
    if (version >= 2) reader.boolean(); // no broker is ever fenced
    reader.tags();
    return { endpointType };
  },
  encodeResponse(writer, response, version) {
    writer.int32(0);
    writer.int16(response.errorCode);
    writer.nullableString(response.errorMessage);
    if (version >= 1) writer.int8(response.endpointType);
    writer.string(response.clusterId);
    writer.int32(response.controllerId);
    writer.array(response.brokers, ({ nodeId, host, port }) => {
      writer.int32(nodeId);
      writer.string(host);
      writer.int32(port);
      writer.nullableString(null);
      if (version >= 2) writer.boolean(false);
      writer.tags();
    });
    writer.int32(AUTHORIZED_OPERATIONS_NOT_ASKED);
    writer.tags();
  },
};
