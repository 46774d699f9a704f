import type { Broker } from "../broker.ts";
import type { OffsetDeleteRequest, OffsetDeleteResponse } from "../messages/offset-delete.ts";
import { ErrorCode } from "../protocol/error-codes.ts";

/** Forgets committed offsets of a group, but for topics that its members still read. */
export function handleOffsetDelete(broker: Broker, { groupId, topics }: OffsetDeleteRequest): OffsetDeleteResponse {
  const errorCode = broker.groups.checkOffsetDelete(groupId);
  if (errorCode !== ErrorCode.NONE) return { errorCode, topics: [] };
  return {
    errorCode,
    topics: topics.map(({ name, partitions }) => {
      const isRead = broker.groups.isSubscribed(groupId, name);
      return {
        name,
        partitions: partitions.map((index) => {
          if (broker.topics.partition(name, index) === undefined)
            return { index, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
          if (isRead) return { index, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC };
          broker.offsets.deleteOffset(groupId, name, index);
          return { index, errorCode: ErrorCode.NONE };
        }),
      };
    }),
  };
}
