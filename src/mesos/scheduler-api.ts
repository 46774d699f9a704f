import type {
  AgentId,
  ExecutorId,
  Filters,
  FrameworkId,
  FrameworkInfo,
  InverseOffer,
  KillPolicy,
  MasterInfo,
  Offer,
  OfferConstraints,
  OfferId,
  OperationId,
  OperationStatus,
  TaskId,
  TaskInfo,
  TaskStatus,
} from "./types.ts";

/** What a master says to a scheduler. `UNKNOWN` is what a newer master may send: counted, logged, never fatal. */
export type SchedulerEvent =
  | {
      readonly type: "SUBSCRIBED";
      readonly frameworkId: FrameworkId;
      readonly heartbeatIntervalMs: number;
      readonly masterInfo: MasterInfo | undefined;
    }
  | { readonly type: "OFFERS"; readonly offers: readonly Offer[] }
  | { readonly type: "INVERSE_OFFERS"; readonly inverseOffers: readonly InverseOffer[] }
  | { readonly type: "RESCIND"; readonly offerId: OfferId }
  | { readonly type: "RESCIND_INVERSE_OFFER"; readonly inverseOfferId: OfferId }
  | { readonly type: "UPDATE"; readonly status: TaskStatus }
  /** Only of operations with an id. */
  | { readonly type: "UPDATE_OPERATION_STATUS"; readonly status: OperationStatus }
  | { readonly type: "MESSAGE"; readonly agentId: AgentId; readonly executorId: ExecutorId; readonly data: Uint8Array }
  | {
      readonly type: "FAILURE";
      readonly agentId: AgentId | undefined;
      /** Set: this executor ended. Not set: the agent was removed. */
      readonly executorId: ExecutorId | undefined;
      /** Raw wait status; -1 where it is not known. */
      readonly status: number | undefined;
    }
  | { readonly type: "ERROR"; readonly message: string }
  | { readonly type: "HEARTBEAT" }
  | { readonly type: "UNKNOWN"; readonly value: number | string };

/** One operation of an ACCEPT. Others than LAUNCH, and ids, are for servers that have to refuse them. */
export type OfferOperation =
  | { readonly type: "LAUNCH"; readonly id?: OperationId; readonly taskInfos: readonly TaskInfo[] }
  | {
      readonly type: "LAUNCH_GROUP";
      readonly id?: OperationId;
      readonly executor: NonNullable<TaskInfo["executor"]>;
      readonly taskInfos: readonly TaskInfo[];
    }
  | { readonly type: "UNSUPPORTED"; readonly value: string; readonly id: OperationId | undefined };

/** What a scheduler asks of a master. `frameworkId` is added by the connection once it is known. */
export type SchedulerCall =
  | {
      readonly type: "SUBSCRIBE";
      readonly frameworkInfo: FrameworkInfo;
      readonly suppressedRoles?: readonly string[];
      readonly offerConstraints?: OfferConstraints;
    }
  | {
      readonly type: "UPDATE_FRAMEWORK";
      readonly frameworkInfo: FrameworkInfo;
      readonly suppressedRoles?: readonly string[];
      readonly offerConstraints?: OfferConstraints;
    }
  | { readonly type: "TEARDOWN" }
  | {
      readonly type: "ACCEPT";
      readonly offerIds: readonly OfferId[];
      readonly operations: readonly OfferOperation[];
      readonly filters?: Filters;
    }
  | { readonly type: "DECLINE"; readonly offerIds: readonly OfferId[]; readonly filters?: Filters }
  | {
      readonly type: "ACCEPT_INVERSE_OFFERS" | "DECLINE_INVERSE_OFFERS";
      readonly inverseOfferIds: readonly OfferId[];
      readonly filters?: Filters;
    }
  | { readonly type: "REVIVE"; readonly roles?: readonly string[] }
  | { readonly type: "SUPPRESS"; readonly roles?: readonly string[] }
  | { readonly type: "KILL"; readonly taskId: TaskId; readonly agentId?: AgentId; readonly killPolicy?: KillPolicy }
  | { readonly type: "SHUTDOWN"; readonly executorId: ExecutorId; readonly agentId: AgentId }
  | {
      readonly type: "ACKNOWLEDGE";
      readonly agentId: AgentId;
      readonly taskId: TaskId;
      readonly uuid: Uint8Array;
    }
  | {
      readonly type: "ACKNOWLEDGE_OPERATION_STATUS";
      readonly agentId?: AgentId;
      readonly uuid: Uint8Array;
      readonly operationId: OperationId;
    }
  | {
      readonly type: "RECONCILE";
      readonly tasks: readonly { readonly taskId: TaskId; readonly agentId?: AgentId }[];
    }
  | {
      readonly type: "RECONCILE_OPERATIONS";
      readonly operations: readonly { readonly operationId: OperationId; readonly agentId?: AgentId }[];
    }
  /** Asks for resources; Mesos' allocator does not listen. */
  | { readonly type: "REQUEST" }
  | { readonly type: "MESSAGE"; readonly agentId: AgentId; readonly executorId: ExecutorId; readonly data: Uint8Array };

export type SchedulerCallType = SchedulerCall["type"];
