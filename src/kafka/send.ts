import { invariant } from "../base/errors.ts";
import { KafkaRefusedError } from "./errors.ts";
import type { ClientMessage } from "./protocol/client-message.ts";
import { Reader } from "./protocol/reader.ts";
import { Writer } from "./protocol/writer.ts";
import type { WireBroker } from "./wire.ts";

/**
 * Sends a request that is encoded here over a connection of kafkajs, which authenticates, numbers it, waits for the
 * answer and keeps quiet while the broker throttles it. The version is the newest that both sides know.
 *
 * @param timeoutMs for the answer, where that is more than the client's own
 * @throws {KafkaRefusedError} no version is known to both
 * @throws {ProtocolError} the answer is none; else errors of kafkajs
 */
export async function send<Request, Response>(
  broker: WireBroker,
  message: ClientMessage<Request, Response>,
  request: Request,
  timeoutMs?: number,
): Promise<Response> {
  const { apiKey, name, flexibleFrom = Infinity } = message;
  const version = commonVersion(broker, message);
  const flexible = version >= flexibleFrom;
  try {
    return await broker.connectionPool.send<Response & { clientSideThrottleTime: number }>({
      request: {
        apiKey,
        apiVersion: version,
        apiName: name,
        encode: async () => {
          const writer = new Writer(flexible);
          writer.tags(); // of the header, which kafkajs writes without
          message.encodeRequest(writer, request, version);
          const bytes = writer.finish();
          const buf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
          return { buf, buffer: buf };
        },
      },
      response: {
        decode: async (payload) => {
          const reader = new Reader(payload, flexible);
          reader.tags(); // of the header
          const response = message.decodeResponse(reader, version);
          return { ...response, clientSideThrottleTime: version >= message.throttledFrom ? response.throttleMs : 0 };
        },
        parse: async (response) => response,
      },
      requestTimeout: timeoutMs ?? null,
    });
  } catch (error) {
    // As kafkajs' own Broker does: the other connection to it is of no more use either.
    if (error instanceof Error && error.name === "KafkaJSConnectionClosedError") await broker.disconnect();
    throw error;
  }
}

/** Whether the broker knows the request in a version that is known here. */
export function isKnown(broker: WireBroker, { apiKey, minVersion }: ClientMessage<never, unknown>): boolean {
  return (broker.versions?.[apiKey]?.maxVersion ?? -1) >= minVersion;
}

function commonVersion(
  broker: WireBroker,
  { apiKey, name, minVersion, maxVersion }: ClientMessage<unknown, unknown>,
): number {
  invariant(broker.versions !== null, "a broker is asked for its versions as it is connected");
  const theirs = broker.versions[apiKey];
  const version = Math.min(maxVersion, theirs?.maxVersion ?? -1);
  if (version >= Math.max(minVersion, theirs?.minVersion ?? 0)) return version;
  const range = theirs === undefined ? "not at all" : `in versions ${theirs.minVersion} to ${theirs.maxVersion}`;
  throw new KafkaRefusedError(
    `Cannot send ${name} request: the broker knows it ${range}, must know one of ${minVersion} to ${maxVersion}`,
  );
}
