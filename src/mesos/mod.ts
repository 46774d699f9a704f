/*
 * The surface of the Mesos v1 HTTP API library: types, codecs, framing and the two connections. Nothing in it knows
 * Brigade's engine.
 */

export type { ZooKeeperAddress } from "../zookeeper/address.ts";
export type { Credentials } from "./basic-authorization.ts";
export {
  type AddressedSchedulerCall,
  CodecError,
  type CodecProblem,
  type ContentType,
  decodeExecutorCall,
  decodeExecutorEvent,
  decodeMasterInfo,
  decodeSchedulerCall,
  decodeSchedulerEvent,
  EncodeError,
  encodeExecutorCall,
  encodeExecutorEvent,
  encodeMasterInfo,
  encodeSchedulerCall,
  encodeSchedulerEvent,
} from "./codec.ts";
export {
  CallRejectedError,
  ConnectionLostError,
  HttpProtocolError,
  MasterUnknownError,
  OperatorRefusedError,
  OperatorUnavailableError,
  ServerUnavailableError,
  SubscriptionOverError,
  SubscriptionRefusedError,
} from "./errors.ts";
export type { AddressedExecutorCall, ExecutorCall, ExecutorEvent } from "./executor-api.ts";
export { ExecutorConnection, type ExecutorConnectionOptions } from "./executor-connection.ts";
export { type ExecutorEnvironment, readExecutorEnvironment, secretVariables } from "./executor-environment.ts";
export type { ExecutorConnectionEvent } from "./executor-subscription.ts";
export { formatHostPort, type HostPort, parseHostPort } from "./host-port.ts";
export { HostListLocator, type MasterLocator } from "./master-locator.ts";
export type { MasterFramework, MasterTask } from "./operator-answers.ts";
export { OperatorClient, type OperatorClientOptions } from "./operator-client.ts";
export { defaultMaxRecordBytes, encodeRecord, FramingError, RecordIoDecoder } from "./recordio.ts";
export type { OfferOperation, SchedulerCall, SchedulerCallType, SchedulerEvent } from "./scheduler-api.ts";
export { SchedulerConnection, type SchedulerConnectionOptions } from "./scheduler-connection.ts";
export type { SchedulerConnectionEvent } from "./scheduler-subscription.ts";
export {
  type Address,
  type AgentId,
  type AgentInfo,
  type Attribute,
  type CommandInfo,
  type CommandUri,
  type ContainerId,
  type ContainerInfo,
  type EnvironmentVariable,
  type ExecutorId,
  type ExecutorInfo,
  type Filters,
  type FrameworkCapability,
  type FrameworkId,
  type FrameworkInfo,
  isTerminal,
  type KillPolicy,
  type Label,
  type Labels,
  type MasterInfo,
  type Nanoseconds,
  type NetworkInfo,
  type Offer,
  type OfferId,
  type ReservationInfo,
  type Resource,
  type TaskId,
  type TaskInfo,
  type TaskState,
  type TaskStatus,
  type TaskStatusSource,
  type Url,
  type ValueRange,
  type Volume,
} from "./types.ts";
export { ZooKeeperLocator, type ZooKeeperLocatorOptions } from "./zookeeper-locator.ts";
