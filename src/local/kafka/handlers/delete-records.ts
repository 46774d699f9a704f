import type { Broker } from "../broker.ts";
import type { DeleteRecordsRequest, DeleteRecordsResponse } from "../messages/delete-records.ts";
import { ErrorCode } from "../protocol/error-codes.ts";

/** Stands for the end of the log. */
const ALL = -1;

/** Makes each log begin at the offset that is wanted; one that it is past already changes nothing. */
export function handleDeleteRecords(broker: Broker, { topics }: DeleteRecordsRequest): DeleteRecordsResponse {
  const results = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ index, offset }) => ({ index, ...deleteBefore(broker, name, index, offset) })),
  }));
  broker.housekeeper.removeSoon();
  return { topics: results };
}

function deleteBefore(broker: Broker, name: string, index: number, offset: number) {
  const partition = broker.topics.partition(name, index);
  const failed = (errorCode: ErrorCode) => ({ errorCode, lowWatermark: -1 });
  if (partition === undefined) return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  if (broker.topics.get(name)?.settings.deletes !== true) return failed(ErrorCode.POLICY_VIOLATION);
  const wanted = offset === ALL ? partition.highWatermark : offset;
  if (wanted < 0 || wanted > partition.highWatermark) return failed(ErrorCode.OFFSET_OUT_OF_RANGE);
  if (wanted > partition.logStartOffset) broker.topics.deleteBefore(partition, wanted);
  return { errorCode: ErrorCode.NONE, lowWatermark: partition.logStartOffset };
}
