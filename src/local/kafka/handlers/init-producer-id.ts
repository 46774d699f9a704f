import type { Broker } from "../broker.ts";
import type { InitProducerIdRequest, InitProducerIdResponse } from "../messages/init-producer-id.ts";
import { ErrorCode } from "../protocol/error-codes.ts";

/**
 * Gives an idempotent producer an id of its own. One that had an id before (after an error that it could not mend) gets
 * a new one too, as Kafka does without a transactional id.
 */
export function handleInitProducerId(
  broker: Broker,
  { transactionalId }: InitProducerIdRequest,
): InitProducerIdResponse {
  // Transactions are not served. This error is final for every client, and hints at the broker.
  if (transactionalId !== null) return { errorCode: ErrorCode.INVALID_REQUEST, producerId: -1, producerEpoch: -1 };
  return { errorCode: ErrorCode.NONE, producerId: broker.settings.takeProducerId(), producerEpoch: 0 };
}
