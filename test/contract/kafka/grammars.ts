import { type Field, parseGrammar } from "./wire-grammar.ts";

/** A request and its response as grammars; see wire-grammar.ts. */
export interface ApiGrammar {
  readonly name: string;
  readonly apiKey: number;
  /** The versions that the grammar tells: all that are served, but for a version 0 that is a world of its own. */
  readonly versions: readonly [first: number, last: number];
  readonly flexibleFrom: number;
  readonly request: readonly Field[];
  readonly response: readonly Field[];
}

function api(
  name: string,
  apiKey: number,
  versions: readonly [number, number],
  flexibleFrom: number,
  request: string,
  response: string,
): ApiGrammar {
  return { name, apiKey, versions, flexibleFrom, request: parseGrammar(request), response: parseGrammar(response) };
}

export const grammars = {
  produce: api(
    "Produce",
    0,
    [0, 11],
    9,
    `transactionalId:string?(3+)~null acks:int16 timeoutMs:int32
     topics[name:string partitions[index:int32 records:bytes?]]`,
    `topics[name:string partitions[index:int32 errorCode:int16 baseOffset:int64 logAppendTimeMs:int64(2+)
       logStartOffset:int64(5+) recordErrors[batchIndex:int32 message:string?](8+)=[] errorMessage:string?(8+)]]
     throttleTimeMs:int32(1+)=0`,
  ),
  fetch: api(
    "Fetch",
    1,
    [4, 17],
    12,
    `replicaId:int32(4-14)=-1 maxWaitMs:int32 minBytes:int32 maxBytes:int32 isolationLevel:int8 sessionId:int32(7+)~0
     sessionEpoch:int32(7+)~-1
     topics[name:string(4-12)~"" topicId:uuid(13+)~"" partitions[index:int32 currentLeaderEpoch:int32(9+)~-1
       fetchOffset:int64 lastFetchedEpoch:int32(12+)=-1 logStartOffset:int64(5+)=-1 maxBytes:int32]]
     forgotten[name:string(4-12)~"" topicId:uuid(13+)~"" partitions:int32[]](7+)~[] rackId:string(11+)=""`,
    `throttleTimeMs:int32=0 errorCode:int16(7+) sessionId:int32(7+)
     topics[name:string(4-12) topicId:uuid(13+) partitions[index:int32 errorCode:int16 highWatermark:int64 lastStableOffset:int64
       logStartOffset:int64(5+) abortedTransactions[producerId:int64 firstOffset:int64]?
       preferredReadReplica:int32(11+)=-1 records:bytes?]]`,
  ),
  listOffsets: api(
    "ListOffsets",
    2,
    [1, 11],
    6,
    `replicaId:int32=-1 isolationLevel:int8(2+)~0
     topics[name:string partitions[index:int32 currentLeaderEpoch:int32(4+)~-1 timestamp:int64]]
     timeoutMs:int32(10+)=1000`,
    `throttleTimeMs:int32(2+)=0
     topics[name:string partitions[index:int32 errorCode:int16 timestamp:int64 offset:int64 leaderEpoch:int32(4+)]]`,
  ),
  metadata: api(
    "Metadata",
    3,
    [1, 13],
    9,
    `topics[topicId:uuid(10+)~"00000000000000000000000000000000" name:string?]? allowAutoTopicCreation:boolean(4+)~true
     clusterOperations:boolean(8-10)=false topicOperations:boolean(8+)=false`,
    `throttleTimeMs:int32(3+)=0 brokers[nodeId:int32 host:string port:int32 rack:string?=null] clusterId:string?(2+)
     controllerId:int32
     topics[errorCode:int16 name:string? topicId:uuid(10+) isInternal:boolean=false
       partitions[errorCode:int16=0 index:int32 leaderId:int32 leaderEpoch:int32(7+) replicas:int32[]=[] isr:int32[]=[]
         offline:int32[](5+)=[]]
       operations:int32(8+)=-2147483648]
     operations:int32(8-10)=-2147483648 errorCode:int16(13+)=0`,
  ),
  offsetCommit: api(
    "OffsetCommit",
    8,
    [2, 9],
    8,
    `groupId:string generationId:int32 memberId:string groupInstanceId:string?(7+)=null retentionTimeMs:int64(2-4)=-1
     topics[name:string partitions[index:int32 offset:int64 leaderEpoch:int32(6+)~-1 metadata:string?]]`,
    `throttleTimeMs:int32(3+)=0 topics[name:string partitions[index:int32 errorCode:int16]]`,
  ),
  offsetFetch: api(
    "OffsetFetch",
    9,
    [2, 9],
    6,
    `groupId:string(2-7) topics[name:string partitionIndexes:int32[]]?(2-7)
     groups[groupId:string memberId:string?(9+)=null memberEpoch:int32(9+)=-1
       topics[name:string partitionIndexes:int32[]]?](8+)
     requireStable:boolean(7+)~false`,
    `throttleTimeMs:int32(3+)=0
     topics[name:string partitions[index:int32 offset:int64 leaderEpoch:int32(5+) metadata:string? errorCode:int16]](2-7)
     errorCode:int16(2-7)
     groups[groupId:string
       topics[name:string partitions[index:int32 offset:int64 leaderEpoch:int32 metadata:string? errorCode:int16]]
       errorCode:int16](8+)`,
  ),
  findCoordinator: api(
    "FindCoordinator",
    10,
    [0, 6],
    3,
    `key:string(0-3) keyType:int8(1+)~0 keys:string[](4+)`,
    `throttleTimeMs:int32(1+)=0 errorCode:int16(0-3) errorMessage:string?(1-3) nodeId:int32(0-3) host:string(0-3)
     port:int32(0-3)
     coordinators[key:string nodeId:int32 host:string port:int32 errorCode:int16 errorMessage:string?](4+)`,
  ),
  joinGroup: api(
    "JoinGroup",
    11,
    [1, 9],
    6,
    `groupId:string sessionTimeoutMs:int32 rebalanceTimeoutMs:int32 memberId:string groupInstanceId:string?(5+)~null
     protocolType:string protocols[name:string metadata:bytes] reason:string?(8+)=null`,
    `throttleTimeMs:int32(2+)=0 errorCode:int16 generationId:int32 protocolType:string?(7+) protocolName:string
     leader:string skipAssignment:boolean(9+)=false memberId:string
     members[memberId:string groupInstanceId:string?(5+) metadata:bytes]`,
  ),
  heartbeat: api(
    "Heartbeat",
    12,
    [0, 4],
    4,
    `groupId:string generationId:int32 memberId:string groupInstanceId:string?(3+)=null`,
    `throttleTimeMs:int32(1+)=0 errorCode:int16`,
  ),
  leaveGroup: api(
    "LeaveGroup",
    13,
    [0, 5],
    4,
    `groupId:string memberId:string(0-2)
     members[memberId:string groupInstanceId:string? reason:string?(5+)=null](3+)`,
    `throttleTimeMs:int32(1+)=0 errorCode:int16
     members[memberId:string groupInstanceId:string? errorCode:int16](3+)`,
  ),
  syncGroup: api(
    "SyncGroup",
    14,
    [0, 5],
    4,
    `groupId:string generationId:int32 memberId:string groupInstanceId:string?(3+)=null protocolType:string?(5+)~null
     protocolName:string?(5+)~null assignments[memberId:string assignment:bytes]`,
    `throttleTimeMs:int32(1+)=0 errorCode:int16 protocolType:string?(5+) protocolName:string?(5+) assignment:bytes`,
  ),
  describeGroups: api(
    "DescribeGroups",
    15,
    [0, 6],
    5,
    `groupIds:string[] includeOperations:boolean(3+)=false`,
    `throttleTimeMs:int32(1+)=0
     groups[errorCode:int16 errorMessage:string?(6+) groupId:string state:string protocolType:string protocolName:string
       members[memberId:string groupInstanceId:string?(4+) clientId:string clientHost:string metadata:bytes
         assignment:bytes]
       operations:int32(3+)=-2147483648]`,
  ),
  listGroups: api(
    "ListGroups",
    16,
    [0, 5],
    3,
    `statesFilter:string[](4+)~[] typesFilter:string[](5+)~[]`,
    `throttleTimeMs:int32(1+)=0 errorCode:int16 groups[groupId:string protocolType:string state:string(4+) type:string(5+)]`,
  ),
  apiVersions: api(
    "ApiVersions",
    18,
    [0, 4],
    3,
    `clientSoftwareName:string(3+)~null clientSoftwareVersion:string(3+)~null`,
    `errorCode:int16 apis[apiKey:int16 minVersion:int16 maxVersion:int16] throttleTimeMs:int32(1+)=0`,
  ),
  createTopics: api(
    "CreateTopics",
    19,
    [0, 7],
    5,
    `topics[name:string numPartitions:int32 replicationFactor:int16
       assignments[partitionIndex:int32 brokerIds:int32[]] configs[name:string value:string?]]
     timeoutMs:int32=1000 validateOnly:boolean(1+)~false`,
    `throttleTimeMs:int32(2+)=0
     topics[name:string topicId:uuid(7+) errorCode:int16 errorMessage:string?(1+) numPartitions:int32(5+)
       replicationFactor:int16(5+)
       configs[name:string value:string? readOnly:boolean source:int8 sensitive:boolean=false](5+)]`,
  ),
  deleteTopics: api(
    "DeleteTopics",
    20,
    [0, 6],
    4,
    `topics[name:string? topicId:uuid](6+) topicNames:string[](0-5) timeoutMs:int32=1000`,
    `throttleTimeMs:int32(1+)=0 topics[name:string? topicId:uuid(6+) errorCode:int16 errorMessage:string?(5+)]`,
  ),
  deleteRecords: api(
    "DeleteRecords",
    21,
    [0, 2],
    2,
    `topics[name:string partitions[index:int32 offset:int64]] timeoutMs:int32=1000`,
    `throttleTimeMs:int32=0 topics[name:string partitions[index:int32 lowWatermark:int64 errorCode:int16]]`,
  ),
  initProducerId: api(
    "InitProducerId",
    22,
    [0, 5],
    2,
    `transactionalId:string? transactionTimeoutMs:int32 producerId:int64(3+)~-1 producerEpoch:int16(3+)~-1`,
    `throttleTimeMs:int32=0 errorCode:int16 producerId:int64 producerEpoch:int16`,
  ),
  addPartitionsToTxn: api(
    "AddPartitionsToTxn",
    24,
    [0, 3],
    3,
    `transactionalId:string producerId:int64 producerEpoch:int16 topics[name:string partitions:int32[]]`,
    `throttleTimeMs:int32=0 topics[name:string partitions[index:int32 errorCode:int16]]`,
  ),
  addOffsetsToTxn: api(
    "AddOffsetsToTxn",
    25,
    [0, 4],
    3,
    `transactionalId:string producerId:int64 producerEpoch:int16 groupId:string`,
    `throttleTimeMs:int32=0 errorCode:int16`,
  ),
  endTxn: api(
    "EndTxn",
    26,
    [0, 4],
    3,
    `transactionalId:string producerId:int64 producerEpoch:int16 committed:boolean`,
    `throttleTimeMs:int32=0 errorCode:int16`,
  ),
  txnOffsetCommit: api(
    "TxnOffsetCommit",
    28,
    [0, 4],
    3,
    `transactionalId:string groupId:string producerId:int64 producerEpoch:int16 generationId:int32(3+)~-1
     memberId:string(3+)~"" groupInstanceId:string?(3+)=null
     topics[name:string partitions[index:int32 offset:int64 leaderEpoch:int32(2+)~-1 metadata:string?]]`,
    `throttleTimeMs:int32=0 topics[name:string partitions[index:int32 errorCode:int16]]`,
  ),
  describeConfigs: api(
    "DescribeConfigs",
    32,
    [1, 4],
    4,
    `resources[resourceType:int8 resourceName:string configurationKeys:string[]?]
     includeSynonyms:boolean(1+)~false includeDocumentation:boolean(3+)=false`,
    `throttleTimeMs:int32=0
     results[errorCode:int16 errorMessage:string? resourceType:int8 resourceName:string
       configs[name:string value:string readOnly:boolean source:int8(1+) isSensitive:boolean=false
         synonyms[name:string value:string? source:int8](1+) type:int8(3+) documentation:string?(3+)=null]]`,
  ),
  alterConfigs: api(
    "AlterConfigs",
    33,
    [0, 2],
    2,
    `resources[resourceType:int8 resourceName:string configs[name:string value:string?]] validateOnly:boolean`,
    `throttleTimeMs:int32=0
     results[errorCode:int16 errorMessage:string? resourceType:int8 resourceName:string]`,
  ),
  incrementalAlterConfigs: api(
    "IncrementalAlterConfigs",
    44,
    [0, 1],
    1,
    `resources[resourceType:int8 resourceName:string configs[name:string operation:int8 value:string?]]
     validateOnly:boolean`,
    `throttleTimeMs:int32=0
     results[errorCode:int16 errorMessage:string? resourceType:int8 resourceName:string]`,
  ),
  offsetDelete: api(
    "OffsetDelete",
    47,
    [0, 0],
    1,
    `groupId:string topics[name:string partitions:int32[]]`,
    `errorCode:int16 throttleTimeMs:int32=0 topics[name:string partitions[index:int32 errorCode:int16]]`,
  ),
  describeCluster: api(
    "DescribeCluster",
    60,
    [0, 2],
    0,
    `includeOperations:boolean=false endpointType:int8(1+)~1 includeFencedBrokers:boolean(2+)=false`,
    `throttleTimeMs:int32=0 errorCode:int16 errorMessage:string? endpointType:int8(1+) clusterId:string
     controllerId:int32 brokers[nodeId:int32 host:string port:int32 rack:string?=null isFenced:boolean(2+)=false]
     operations:int32=-2147483648`,
  ),
  saslHandshake: api("SaslHandshake", 17, [0, 1], 2, `mechanism:string`, `errorCode:int16 mechanisms:string[]`),
  saslAuthenticate: api(
    "SaslAuthenticate",
    36,
    [0, 2],
    2,
    `authBytes:bytes`,
    `errorCode:int16 errorMessage:string? authBytes:bytes sessionLifetimeMs:int64(1+)=0`,
  ),
  createPartitions: api(
    "CreatePartitions",
    37,
    [0, 3],
    2,
    `topics[name:string count:int32 assignments[brokerIds:int32[]]?] timeoutMs:int32=1000 validateOnly:boolean`,
    `throttleTimeMs:int32=0 results[name:string errorCode:int16 errorMessage:string?]`,
  ),
  deleteGroups: api(
    "DeleteGroups",
    42,
    [0, 2],
    2,
    `groupIds:string[]`,
    `throttleTimeMs:int32=0 results[groupId:string errorCode:int16]`,
  ),
} as const;
