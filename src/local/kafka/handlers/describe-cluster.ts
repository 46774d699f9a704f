import type { Broker } from "../broker.ts";
import {
  BROKERS,
  CONTROLLERS,
  type DescribeClusterRequest,
  type DescribeClusterResponse,
} from "../messages/describe-cluster.ts";
import { ErrorCode } from "../protocol/error-codes.ts";

/** The cluster is this broker. Controllers have no address of their own to tell. */
export function handleDescribeCluster(
  broker: Broker,
  { endpointType }: DescribeClusterRequest,
): DescribeClusterResponse {
  const isKnown = endpointType === BROKERS;
  const problem =
    endpointType === CONTROLLERS ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE;
  return {
    errorCode: isKnown ? ErrorCode.NONE : problem,
    errorMessage: isKnown ? null : "This broker tells about brokers only",
    endpointType: BROKERS,
    clusterId: isKnown ? broker.clusterId : "",
    controllerId: isKnown ? broker.config.nodeId : -1,
    brokers: isKnown ? [broker.endpoint] : [],
  };
}
