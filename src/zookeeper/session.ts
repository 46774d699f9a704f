import { utf8 } from "../base/bytes.ts";
import { assertNever, type BrigadeError } from "../base/errors.ts";
import type { Machine } from "../base/step-loop.ts";
import { type SessionEnd, SessionEndedError, ZooKeeperProtocolError, ZooKeeperUnavailableError } from "./errors.ts";
import { decodeConnectResponse, encodeConnectRequest, type SessionIdentity } from "./handshake.ts";
import { JuteWriter } from "./jute-writer.ts";
import { decodeReply, decodeWatchEvent, type Reply, type WatchEvent, xids } from "./replies.ts";
import { RequestQueue, type SessionRequest } from "./request-queue.ts";

export interface SessionSettings {
  /** How many servers there are; they are tried in turn, by their index. */
  readonly serverCount: number;
  /** What is asked for: the server may grant more or less. */
  readonly sessionTimeoutMs: number;
  /** Until a connection is open and the session granted. */
  readonly connectTimeoutMs: number;
  /** For each request, from its asking to its answer. */
  readonly requestTimeoutMs: number;
  /** For requests that wait or are under way; one that goes beyond is refused. */
  readonly maxWaitingBytes: number;
  /** `user:password`, by the scheme `digest`. */
  readonly credentials: string | undefined;
  /**
   * Ends the session where no server has been heard of for the session time-out. Others may believe in its end from then
   * on. Without it only ZooKeeper itself ends a session: it lives through the loss of all servers.
   */
  readonly abandon: boolean;
}

/** What a session tells its user. */
export type SessionNews =
  | { readonly type: "connected"; readonly server: number; readonly isNew: boolean; readonly sessionTimeoutMs: number }
  /** Another try follows by itself. Comes after each try. */
  | { readonly type: "disconnected"; readonly error: BrigadeError }
  /** Nothing more will come. */
  | { readonly type: "ended"; readonly error: SessionEndedError };

export type SessionEvent =
  | { readonly type: "start" }
  | { readonly type: "opened" }
  /** A whole frame, without its length. */
  | { readonly type: "message"; readonly message: Uint8Array }
  | { readonly type: "lost"; readonly error: BrigadeError }
  | { readonly type: "request"; readonly request: SessionRequest }
  /** An answer was given whose body nobody could read. */
  | { readonly type: "unreadable"; readonly error: ZooKeeperProtocolError }
  | { readonly type: "close" }
  | { readonly type: "paused" }
  | { readonly type: "time" };

export type SessionCommand =
  /** Connect; `opened` or `lost` follows, and whatever came from an earlier connection is not told any more. */
  | { readonly type: "open"; readonly server: number }
  | { readonly type: "send"; readonly message: Uint8Array }
  /** Close the connection. */
  | { readonly type: "drop" }
  /** Wait, the longer the higher `attempt` (from 1), then send `paused`. */
  | { readonly type: "pause"; readonly attempt: number }
  | { readonly type: "answer"; readonly id: number; readonly errorCode: number; readonly body: Uint8Array }
  | { readonly type: "fail"; readonly id: number; readonly error: BrigadeError }
  | { readonly type: "watch"; readonly event: WatchEvent }
  /** The server has forgotten every watch. */
  | { readonly type: "watches-lost" }
  | { readonly type: "emit"; readonly news: SessionNews };

export type SessionPhase =
  | { readonly type: "idle" }
  /** A connection is opened, then the session is asked for. */
  | { readonly type: "connecting"; readonly server: number; readonly sinceMs: number }
  | {
      readonly type: "connected";
      readonly server: number;
      readonly sessionTimeoutMs: number;
      /** When the last message came, and when one was sent. */
      readonly heardMs: number;
      readonly sentMs: number;
      readonly pingedMs: number;
    }
  | { readonly type: "pausing" }
  /** The server was told; its answer is waited for. */
  | { readonly type: "closing"; readonly sinceMs: number }
  | { readonly type: "ended"; readonly error: SessionEndedError };

const PING = 11;
const AUTH = 100;
const CLOSE_SESSION = -11;
const SESSION_EXPIRED = -112;
const AUTH_FAILED = -115;
const SESSION_MOVED = -118;
const CONNECTION_LOSS = -4;
/** This server does not carry out requests of this session; another one would. */
const WRONG_SERVER = new Set([SESSION_MOVED, CONNECTION_LOSS]);
const UNWANTED = "ZooKeeper does not take these credentials";
const CLOSE_WITHIN_MS = 2000;

/**
 * One ZooKeeper session over as many connections as it takes. Pure: performs nothing and knows no clock.
 *
 * ```text
 * idle → connecting → connected → closing
 *          ↑   └── lost ──┤          │
 *          └── pausing ←──┘          └→ ended ← expired, abandoned, refused
 * ```
 *
 * What was under way when a connection broke fails, since it may have been carried out; what waits is sent over the next
 * one. Watches are not set again: their users are told that they are gone, and read anew, so that nothing can have been
 * missed.
 *
 * @see apache/zookeeper zookeeper-jute/src/main/resources/zookeeper.jute, ClientCnxn.java
 */
export class Session implements Machine<SessionEvent, SessionCommand> {
  readonly #settings: SessionSettings;
  readonly #requests: RequestQueue;
  #phase: SessionPhase = { type: "idle" };
  #identity: SessionIdentity | undefined;
  #grantedMs: number;
  #lastZxid = 0n;
  #lastXid = 0;
  #nextServer = 0;
  /** Tries in a row without a single answer. */
  #failures = 0;
  /** When something was sent that was answered later: from then on at the latest the session lived. */
  #aliveMs = 0;

  constructor(settings: SessionSettings) {
    this.#settings = settings;
    this.#grantedMs = settings.sessionTimeoutMs;
    this.#requests = new RequestQueue(settings.maxWaitingBytes);
  }

  get phase(): SessionPhase {
    return this.#phase;
  }

  get identity(): SessionIdentity | undefined {
    return this.#identity;
  }

  get wakeAtMs(): number | undefined {
    const phase = this.#phase;
    if (phase.type === "idle" || phase.type === "ended") return undefined;
    const { connectTimeoutMs, requestTimeoutMs, abandon } = this.#settings;
    const times: number[] = [];
    const oldestMs = this.#requests.oldestMs;
    if (oldestMs !== undefined) times.push(oldestMs + requestTimeoutMs);
    if (phase.type === "connecting") times.push(phase.sinceMs + connectTimeoutMs);
    if (phase.type === "closing") times.push(phase.sinceMs + CLOSE_WITHIN_MS);
    if (phase.type === "connected") times.push(silentAt(phase), pingAt(phase));
    else if (abandon) times.push(this.#aliveMs + this.#grantedMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** An event that no longer fits the phase is late, and nothing comes of it. */
  step(event: SessionEvent, nowMs: number): SessionCommand[] {
    const phase = this.#phase;
    switch (event.type) {
      case "start":
        if (phase.type !== "idle") return [];
        this.#aliveMs = nowMs;
        return this.#connect(nowMs);
      case "paused":
        return phase.type === "pausing" ? this.#connect(nowMs) : [];
      case "opened":
        return phase.type === "connecting" ? this.#sayHello() : [];
      case "message":
        return this.#message(event.message, nowMs);
      case "lost":
      case "unreadable":
        return this.#lose(event.error, nowMs);
      case "request":
        return this.#request(event.request, nowMs);
      case "close":
        return this.#close(nowMs);
      case "time":
        return this.#time(nowMs);
      default:
        return assertNever(event);
    }
  }

  #connect(nowMs: number): SessionCommand[] {
    const server = this.#nextServer;
    this.#nextServer = (server + 1) % this.#settings.serverCount;
    this.#phase = { type: "connecting", server, sinceMs: nowMs };
    return [{ type: "open", server }];
  }

  #sayHello(): SessionCommand[] {
    const { sessionTimeoutMs } = this.#settings;
    const hello = { lastZxid: this.#lastZxid, sessionTimeoutMs, session: this.#identity };
    return [{ type: "send", message: encodeConnectRequest(hello) }];
  }

  #message(message: Uint8Array, nowMs: number): SessionCommand[] {
    const phase = this.#phase;
    try {
      switch (phase.type) {
        case "connecting":
          return this.#granted(phase, message, nowMs);
        case "connected":
        case "closing":
          return this.#reply(decodeReply(message), nowMs);
        case "idle":
        case "pausing":
        case "ended":
          return [];
        default:
          return assertNever(phase);
      }
    } catch (error) {
      if (!(error instanceof ZooKeeperProtocolError)) throw error;
      return this.#lose(error, nowMs);
    }
  }

  #granted(
    { server, sinceMs }: Extract<SessionPhase, { type: "connecting" }>,
    message: Uint8Array,
    nowMs: number,
  ): SessionCommand[] {
    const { sessionTimeoutMs, session } = decodeConnectResponse(message);
    if (sessionTimeoutMs <= 0) return this.#end("expired", "ZooKeeper has not heard of it for too long");
    const isNew = this.#identity === undefined;
    this.#identity = session;
    this.#grantedMs = sessionTimeoutMs;
    this.#aliveMs = sinceMs;
    this.#phase = { type: "connected", server, sessionTimeoutMs, heardMs: nowMs, sentMs: nowMs, pingedMs: nowMs };
    const { credentials } = this.#settings;
    return [
      ...(credentials === undefined ? [] : [{ type: "send", message: authentication(credentials) } as const]),
      { type: "emit", news: { type: "connected", server, isNew, sessionTimeoutMs } },
      ...this.#sendWaiting(nowMs),
    ];
  }

  #reply(reply: Reply, nowMs: number): SessionCommand[] {
    if (this.#phase.type === "connected") this.#phase = { ...this.#phase, heardMs: nowMs };
    switch (reply.xid) {
      case xids.watchEvent: {
        const event = decodeWatchEvent(reply.body);
        return event === undefined ? [] : [{ type: "watch", event }];
      }
      case xids.ping:
        if (this.#phase.type === "connected") this.#alive(this.#phase.pingedMs);
        return [];
      case xids.auth:
        return reply.errorCode === 0 ? [] : this.#end("refused", UNWANTED);
      default:
        return this.#answer(reply, nowMs);
    }
  }

  #answer({ xid, zxid, errorCode, body }: Reply, nowMs: number): SessionCommand[] {
    if (this.#phase.type === "closing" && xid === this.#lastXid) return this.#end("closed", "it was closed");
    const request = this.#requests.answered(xid);
    if (zxid > this.#lastZxid) this.#lastZxid = zxid;
    this.#alive(request.sentMs);
    // One who has given up waiting is not told any more.
    const { id } = request;
    const answer: SessionCommand[] = id === undefined ? [] : [{ type: "answer", id, errorCode, body }];
    if (errorCode === SESSION_EXPIRED) return [...answer, ...this.#end("expired", "ZooKeeper ended it")];
    if (errorCode === AUTH_FAILED) return [...answer, ...this.#end("refused", UNWANTED)];
    if (!WRONG_SERVER.has(errorCode)) return answer;
    const error = new ZooKeeperUnavailableError("Cannot ask this server: the session is at another one", false);
    const failed: SessionCommand[] = id === undefined ? [] : [{ type: "fail", id, error }];
    return [...failed, ...this.#lose(error, nowMs)];
  }

  #alive(sinceMs: number): void {
    this.#failures = 0;
    this.#aliveMs = Math.max(this.#aliveMs, sinceMs);
  }

  #request(request: SessionRequest, nowMs: number): SessionCommand[] {
    const { id } = request;
    if (this.#phase.type === "ended") return [{ type: "fail", id, error: this.#phase.error }];
    if (this.#phase.type === "closing") return [{ type: "fail", id, error: endedError("closed", "it was closed") }];
    if (!this.#requests.add(request, nowMs)) {
      const message = "Cannot ask ZooKeeper: too much waits to be asked already";
      return [{ type: "fail", id, error: new ZooKeeperUnavailableError(message, false) }];
    }
    return this.#sendWaiting(nowMs);
  }

  #sendWaiting(nowMs: number): SessionCommand[] {
    if (this.#phase.type !== "connected" || !this.#requests.hasWaiting) return [];
    this.#phase = { ...this.#phase, sentMs: nowMs };
    const commands: SessionCommand[] = [];
    while (this.#requests.hasWaiting) {
      const xid = this.#newXid();
      const request = this.#requests.send(xid, nowMs);
      if (request === undefined) break;
      const { opcode, body } = request;
      commands.push({ type: "send", message: new JuteWriter().int(xid).int(opcode).raw(body).finish() });
    }
    return commands;
  }

  #newXid(): number {
    this.#lastXid = (this.#lastXid % 2_147_483_647) + 1;
    return this.#lastXid;
  }

  #close(nowMs: number): SessionCommand[] {
    if (this.#phase.type === "ended" || this.#phase.type === "closing") return [];
    if (this.#phase.type !== "connected") return this.#end("closed", "it was closed");
    const message = new JuteWriter().int(this.#newXid()).int(CLOSE_SESSION).finish();
    this.#phase = { type: "closing", sinceMs: nowMs };
    return [{ type: "send", message }];
  }

  #time(nowMs: number): SessionCommand[] {
    const late = this.#requests.takeLate(nowMs - this.#settings.requestTimeoutMs);
    const failed = late.map(({ id, mayBeDone }): SessionCommand => {
      const message = `Cannot ask ZooKeeper: no answer after ${this.#settings.requestTimeoutMs} ms`;
      return { type: "fail", id, error: new ZooKeeperUnavailableError(message, mayBeDone) };
    });
    return [...failed, ...this.#deadlines(nowMs)];
  }

  #deadlines(nowMs: number): SessionCommand[] {
    const phase = this.#phase;
    const { abandon, connectTimeoutMs } = this.#settings;
    if (phase.type === "connected") {
      if (nowMs >= silentAt(phase)) return this.#lose(silence(nowMs - phase.heardMs), nowMs);
      return nowMs >= pingAt(phase) ? this.#ping(phase, nowMs) : [];
    }
    if (phase.type === "closing") {
      return nowMs >= phase.sinceMs + CLOSE_WITHIN_MS ? this.#end("closed", "it was closed") : [];
    }
    if (phase.type !== "connecting" && phase.type !== "pausing") return [];
    if (abandon && nowMs >= this.#aliveMs + this.#grantedMs) {
      return this.#end("abandoned", `no server answered for ${Math.round(nowMs - this.#aliveMs)} ms`);
    }
    if (phase.type !== "connecting" || nowMs < phase.sinceMs + connectTimeoutMs) return [];
    return this.#lose(silence(connectTimeoutMs), nowMs);
  }

  #ping(phase: Extract<SessionPhase, { type: "connected" }>, nowMs: number): SessionCommand[] {
    this.#phase = { ...phase, sentMs: nowMs, pingedMs: nowMs };
    return [{ type: "send", message: new JuteWriter().int(xids.ping).int(PING).finish() }];
  }

  /** The connection is of no use any more. */
  #lose(error: BrigadeError, nowMs: number): SessionCommand[] {
    const phase = this.#phase;
    if (phase.type === "closing") return this.#end("closed", "it was closed");
    if (phase.type !== "connected" && phase.type !== "connecting") return [];
    this.#failures++;
    const failed = this.#requests.takeSent().map((id): SessionCommand => {
      const message = "Cannot ask ZooKeeper: the connection was lost before the answer came";
      return { type: "fail", id, error: new ZooKeeperUnavailableError(message, true, { cause: error }) };
    });
    const commands: SessionCommand[] = [{ type: "drop" }, ...failed];
    if (phase.type === "connected") commands.push({ type: "watches-lost" });
    commands.push({ type: "emit", news: { type: "disconnected", error } });
    // Every server gets its chance before there is a pause: the session's time is short.
    const rounds = this.#failures - this.#settings.serverCount + 1;
    if (rounds < 1) return [...commands, ...this.#connect(nowMs)];
    this.#phase = { type: "pausing" };
    return [...commands, { type: "pause", attempt: rounds }];
  }

  #end(end: SessionEnd, because: string): SessionCommand[] {
    const error = endedError(end, because);
    this.#phase = { type: "ended", error };
    const failed = this.#requests.takeAll().map((id): SessionCommand => ({ type: "fail", id, error }));
    return [{ type: "drop" }, ...failed, { type: "watches-lost" }, { type: "emit", news: { type: "ended", error } }];
  }
}

/** A third of the session's time is left to find another server. */
function silentAt({ heardMs, sessionTimeoutMs }: Extract<SessionPhase, { type: "connected" }>): number {
  return heardMs + (2 * sessionTimeoutMs) / 3;
}

function pingAt({ sentMs, sessionTimeoutMs }: Extract<SessionPhase, { type: "connected" }>): number {
  return sentMs + sessionTimeoutMs / 3;
}

function silence(ms: number): ZooKeeperUnavailableError {
  return new ZooKeeperUnavailableError(`Cannot reach ZooKeeper: the server was silent for ${Math.round(ms)} ms`, false);
}

function endedError(end: SessionEnd, because: string): SessionEndedError {
  return new SessionEndedError(end, `Cannot use the ZooKeeper session: ${because}`);
}

/** `int type; ustring scheme; buffer auth` */
function authentication(credentials: string): Uint8Array {
  return new JuteWriter().int(xids.auth).int(AUTH).int(0).text("digest").buffer(utf8(credentials)).finish();
}
