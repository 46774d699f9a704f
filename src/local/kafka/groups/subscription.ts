import { ProtocolError } from "../../../kafka/protocol/errors.ts";
import { Reader } from "../../../kafka/protocol/reader.ts";

/**
 * The topics that a consumer wants, as it tells them to the leader of its group: of this a broker reads no more.
 *
 * ```
 * ConsumerProtocolSubscription => version:int16 [topics:string] …
 * ```
 *
 * @returns undefined where the bytes are no subscription
 */
export function subscribedTopics(metadata: Uint8Array): readonly string[] | undefined {
  try {
    const reader = new Reader(metadata);
    reader.int16();
    return reader.array(() => reader.string());
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
