import { JuteReader } from "./jute-reader.ts";
import { JuteWriter } from "./jute-writer.ts";

/** By what a session is taken up again at another server. */
export interface SessionIdentity {
  readonly id: bigint;
  /** A secret of this session. */
  readonly password: Uint8Array;
}

export interface ConnectRequest {
  /** The newest transaction that we know of: a server that is behind it does not serve us. */
  readonly lastZxid: bigint;
  readonly sessionTimeoutMs: number;
  /** undefined: a new one. */
  readonly session: SessionIdentity | undefined;
}

export interface ConnectResponse {
  /** As the server granted it; 0 or less: the session has expired. */
  readonly sessionTimeoutMs: number;
  readonly session: SessionIdentity;
}

const PROTOCOL_VERSION = 0;
const NO_PASSWORD = new Uint8Array(16);

/**
 * The first message on a connection, without a header.
 *
 *     int protocolVersion; long lastZxidSeen; int timeOut; long sessionId; buffer passwd; boolean readOnly
 */
export function encodeConnectRequest({ lastZxid, sessionTimeoutMs, session }: ConnectRequest): Uint8Array {
  return new JuteWriter()
    .int(PROTOCOL_VERSION)
    .long(lastZxid)
    .int(sessionTimeoutMs)
    .long(session?.id ?? 0n)
    .buffer(session?.password ?? NO_PASSWORD)
    .boolean(false)
    .finish();
}

/**
 * The server's first message.
 *
 *     int protocolVersion; int timeOut; long sessionId; buffer passwd; boolean readOnly (since 3.4)
 *
 * @throws {ZooKeeperProtocolError}
 */
export function decodeConnectResponse(bytes: Uint8Array): ConnectResponse {
  const reader = new JuteReader(bytes);
  reader.int();
  return { sessionTimeoutMs: reader.int(), session: { id: reader.long(), password: reader.buffer() } };
}
