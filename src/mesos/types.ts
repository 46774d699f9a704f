import type { Brand } from "../base/brand.ts";

/*
 * The shared messages of the Mesos v1 API as plain data. Names are Mesos' own in camelCase, enums are their names,
 * ids are bare branded strings in place of {value}. What Mesos leaves optional is optional here; unknown fields are
 * dropped by the codec. `proto/` holds the wire form.
 */

export type FrameworkId = Brand<"FrameworkId">;
export type OfferId = Brand<"OfferId">;
export type AgentId = Brand<"AgentId">;
/** Of an operation on an offer other than LAUNCH, where the framework gave it one. */
export type OperationId = Brand<"OperationId">;
export type TaskId = Brand<"TaskId">;
export type ExecutorId = Brand<"ExecutorId">;
/** Of a container within another one: `parent.own`. */
export type ContainerId = Brand<"ContainerId">;

/** Nanoseconds; a number, so that beyond 2^53 the last digits are rounded. */
export interface Nanoseconds {
  readonly nanoseconds: number;
}

export interface Label {
  readonly key: string;
  readonly value?: string;
}
export interface Labels {
  readonly labels: readonly Label[];
}

export interface ValueRange {
  readonly begin: number;
  readonly end: number;
}

export interface ReservationInfo {
  readonly type?: "UNKNOWN" | "STATIC" | "DYNAMIC";
  readonly role?: string;
  readonly principal?: string;
  readonly labels?: Labels;
}

/** `mem` and `disk` are MB, scalars have three decimals, ends of ranges are inclusive. */
export interface Resource {
  readonly name: string;
  readonly type: "SCALAR" | "RANGES" | "SET" | "TEXT";
  readonly scalar?: { readonly value: number };
  readonly ranges?: { readonly range: readonly ValueRange[] };
  readonly set?: { readonly item: readonly string[] };
  readonly role?: string;
  readonly allocationInfo?: { readonly role?: string };
  readonly reservations?: readonly ReservationInfo[];
  /** Of a resource provider other than the agent itself. */
  readonly providerId?: string;
  readonly disk?: unknown;
  readonly revocable?: unknown;
  readonly shared?: unknown;
}

export interface Attribute {
  readonly name: string;
  readonly type: "SCALAR" | "RANGES" | "SET" | "TEXT";
  readonly scalar?: { readonly value: number };
  readonly ranges?: { readonly range: readonly ValueRange[] };
  readonly set?: { readonly item: readonly string[] };
  readonly text?: { readonly value: string };
}

export interface Address {
  readonly hostname?: string;
  readonly ip?: string;
  readonly port: number;
}

export interface Url {
  readonly scheme: string;
  readonly address: Address;
  readonly path?: string;
}

export interface MasterInfo {
  readonly id: string;
  readonly ip: number;
  readonly port: number;
  readonly pid?: string;
  readonly hostname?: string;
  readonly version?: string;
  readonly address?: Address;
  readonly capabilities?: readonly { readonly type?: string }[];
}

export type FrameworkCapability =
  | "UNKNOWN"
  | "REVOCABLE_RESOURCES"
  | "TASK_KILLING_STATE"
  | "GPU_RESOURCES"
  | "SHARED_RESOURCES"
  | "PARTITION_AWARE"
  | "MULTI_ROLE"
  | "RESERVATION_REFINEMENT"
  | "REGION_AWARE";

export interface FrameworkInfo {
  readonly user: string;
  readonly name: string;
  readonly id?: FrameworkId;
  /** Seconds. */
  readonly failoverTimeout?: number;
  readonly checkpoint?: boolean;
  readonly role?: string;
  readonly roles?: readonly string[];
  readonly hostname?: string;
  readonly principal?: string;
  readonly webuiUrl?: string;
  readonly capabilities?: readonly { readonly type?: FrameworkCapability }[];
  readonly labels?: Labels;
  /** By role: less than any of these is not worth an offer. */
  readonly offerFilters?: Readonly<
    Record<
      string,
      {
        readonly minAllocatableResources?: {
          readonly quantities?: readonly {
            readonly quantities?: Readonly<Record<string, { readonly value: number }>>;
          }[];
        };
      }
    >
  >;
}

export interface AttributeConstraint {
  readonly selector: { readonly pseudoattributeType?: string; readonly attributeName?: string };
  readonly predicate: {
    readonly exists?: object;
    readonly notExists?: object;
    readonly textEquals?: { readonly value: string };
    readonly textNotEquals?: { readonly value: string };
    readonly textMatches?: { readonly regex: string };
    readonly textNotMatches?: { readonly regex: string };
  };
}

/** Which agents a framework wants to be offered, by role: all constraints of any group must hold. */
export interface OfferConstraints {
  readonly roleConstraints?: Readonly<
    Record<string, { readonly groups?: readonly { readonly attributeConstraints?: readonly AttributeConstraint[] }[] }>
  >;
}

export interface AgentInfo {
  readonly hostname: string;
  readonly port?: number;
  readonly resources?: readonly Resource[];
  readonly attributes?: readonly Attribute[];
  readonly id?: AgentId;
  /** Only masters say it, to operators. */
  readonly checkpoint?: boolean;
}

export interface Offer {
  readonly id: OfferId;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly hostname: string;
  readonly url?: Url;
  readonly resources?: readonly Resource[];
  readonly attributes?: readonly Attribute[];
  /** Our custom executors that the master believes to run there. */
  readonly executorIds?: readonly ExecutorId[];
  readonly allocationInfo?: { readonly role?: string };
  readonly unavailability?: Unavailability;
}

/** A wish to have an agent's resources back, because its machine is to be maintained. */
export interface InverseOffer {
  readonly id: OfferId;
  readonly frameworkId: FrameworkId;
  readonly url?: Url;
  readonly agentId?: AgentId;
  readonly unavailability: Unavailability;
  readonly resources?: readonly Resource[];
}

export interface Unavailability {
  /** Since 1970. */
  readonly start: Nanoseconds;
  readonly duration?: Nanoseconds;
}

export interface CommandUri {
  readonly value: string;
  readonly executable?: boolean;
  readonly extract?: boolean;
  readonly cache?: boolean;
  readonly outputFile?: string;
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly type?: "UNKNOWN" | "VALUE" | "SECRET";
  readonly value?: string;
}

export interface CommandInfo {
  readonly uris?: readonly CommandUri[];
  readonly environment?: { readonly variables: readonly EnvironmentVariable[] };
  /** Default true: `sh -c value`. */
  readonly shell?: boolean;
  readonly value?: string;
  readonly arguments?: readonly string[];
  readonly user?: string;
}

export interface Volume {
  readonly mode: "RW" | "RO";
  readonly containerPath: string;
  readonly hostPath?: string;
}

export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  /** `tcp` (default) or `udp`. */
  readonly protocol?: string;
}

export interface ContainerInfo {
  readonly type: "DOCKER" | "MESOS";
  readonly volumes?: readonly Volume[];
  readonly hostname?: string;
  readonly docker?: {
    readonly image: string;
    readonly network?: "HOST" | "BRIDGE" | "NONE" | "USER";
    readonly portMappings?: readonly PortMapping[];
    readonly privileged?: boolean;
    readonly parameters?: readonly { readonly key: string; readonly value: string }[];
    readonly forcePullImage?: boolean;
  };
  readonly mesos?: { readonly image?: { readonly type: string } };
  /** Of network USER: its name. */
  readonly networkInfos?: readonly NetworkInfo[];
}

export interface ExecutorInfo {
  readonly type?: "UNKNOWN" | "DEFAULT" | "CUSTOM";
  readonly executorId: ExecutorId;
  readonly frameworkId?: FrameworkId;
  readonly command?: CommandInfo;
  readonly container?: ContainerInfo;
  readonly resources?: readonly Resource[];
  readonly name?: string;
  readonly source?: string;
  readonly data?: Uint8Array;
  readonly labels?: Labels;
  readonly shutdownGracePeriod?: Nanoseconds;
}

export interface KillPolicy {
  readonly gracePeriod?: Nanoseconds;
}

export interface TaskInfo {
  readonly name: string;
  readonly taskId: TaskId;
  readonly agentId: AgentId;
  readonly resources?: readonly Resource[];
  readonly executor?: ExecutorInfo;
  readonly command?: CommandInfo;
  readonly container?: ContainerInfo;
  readonly data?: Uint8Array;
  readonly killPolicy?: KillPolicy;
  /** A command that runs for longer is killed. */
  readonly maxCompletionTime?: Nanoseconds;
  /** By the name of a resource (`cpus`, `mem`), above what the task asks for; Infinity: none. */
  readonly limits?: ResourceLimits;
  readonly check?: CheckInfo;
  readonly healthCheck?: HealthCheck;
  readonly labels?: Labels;
}

/** When something is looked at. Unset: after 15 s, each 10 s, for at most 20 s; a timeout of 0 is none. */
export interface CheckTimes {
  readonly delaySeconds?: number;
  readonly intervalSeconds?: number;
  readonly timeoutSeconds?: number;
}

/** Asks how a task is, and tells it. `type` names the member that is set. */
export interface CheckInfo extends CheckTimes {
  readonly type?: string;
  readonly command?: { readonly command: CommandInfo };
  readonly http?: { readonly port: number; readonly path?: string };
  readonly tcp?: { readonly port: number };
}

type IpProtocol = "IPv4" | "IPv6";

/** Asks whether a task is well, and ends one that is not. */
export interface HealthCheck extends CheckTimes {
  /** Those of older times leave it out. */
  readonly type?: string;
  readonly command?: CommandInfo;
  readonly http?: {
    readonly port: number;
    readonly path?: string;
    readonly scheme?: string;
    readonly protocol?: IpProtocol;
  };
  readonly tcp?: { readonly port: number; readonly protocol?: IpProtocol };
  /** So many in a row end the task. Unset: 3. */
  readonly consecutiveFailures?: number;
  /** Failures do not count so long after the start, until the first success. Unset: 10 s. */
  readonly gracePeriodSeconds?: number;
}

/** What a check has found; an empty member: nothing yet, or it could not be made. */
export interface CheckStatusInfo {
  readonly type?: string;
  readonly command?: { readonly exitCode?: number };
  readonly http?: { readonly statusCode?: number };
  readonly tcp?: { readonly succeeded?: boolean };
}

export type ResourceLimits = Readonly<Record<string, { readonly value: number }>>;

export type TaskState =
  | "TASK_STAGING"
  | "TASK_STARTING"
  | "TASK_RUNNING"
  | "TASK_KILLING"
  | "TASK_FINISHED"
  | "TASK_FAILED"
  | "TASK_KILLED"
  | "TASK_ERROR"
  | "TASK_LOST"
  | "TASK_DROPPED"
  | "TASK_UNREACHABLE"
  | "TASK_GONE"
  | "TASK_GONE_BY_OPERATOR"
  | "TASK_UNKNOWN";

export type TaskStatusSource = "SOURCE_MASTER" | "SOURCE_AGENT" | "SOURCE_EXECUTOR";

export interface NetworkInfo {
  readonly name?: string;
  readonly ipAddresses?: readonly { readonly protocol?: "IPv4" | "IPv6"; readonly ipAddress?: string }[];
}

export interface TaskStatus {
  readonly taskId: TaskId;
  readonly state: TaskState;
  readonly message?: string;
  readonly source?: TaskStatusSource;
  /** Mesos' name (`REASON_RECONCILIATION`); an unknown number arrives as undefined. */
  readonly reason?: string;
  readonly data?: Uint8Array;
  readonly agentId?: AgentId;
  readonly executorId?: ExecutorId;
  /** Seconds since 1970, with a fraction. */
  readonly timestamp?: number;
  /** 16 bytes; present means: to be acknowledged. */
  readonly uuid?: Uint8Array;
  readonly healthy?: boolean;
  readonly checkStatus?: CheckStatusInfo;
  readonly labels?: Labels;
  readonly unreachableTime?: Nanoseconds;
  readonly containerStatus?: {
    readonly containerId?: ContainerId;
    readonly executorPid?: number;
    readonly networkInfos?: readonly NetworkInfo[];
  };
}

/** What became of an operation on an offer. */
export interface OperationStatus {
  readonly operationId?: OperationId;
  /** `OPERATION_FINISHED` and the like. */
  readonly state: string;
  readonly message?: string;
  readonly uuid?: { readonly value: Uint8Array };
  readonly agentId?: AgentId;
}

/** `refuseSeconds` absent means 5 to Mesos, 0 means no filter. */
export interface Filters {
  readonly refuseSeconds?: number;
}

const terminalStates: ReadonlySet<TaskState> = new Set([
  "TASK_FINISHED",
  "TASK_FAILED",
  "TASK_KILLED",
  "TASK_ERROR",
  "TASK_LOST",
  "TASK_DROPPED",
  "TASK_GONE",
  "TASK_GONE_BY_OPERATOR",
]);

/** Whether a task in this state has ended, as far as its master or agent can tell. */
export function isTerminal(state: TaskState): boolean {
  return terminalStates.has(state);
}
