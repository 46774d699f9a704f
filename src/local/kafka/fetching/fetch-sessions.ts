import { type Random, randomInt } from "../../../base/random.ts";
import type { FetchRequest, FetchTopic } from "../messages/fetch.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import { FetchSession } from "./fetch-session.ts";

/** Epochs of a request that are none. */
const FINAL_EPOCH = -1;
const INITIAL_EPOCH = 0;
/** A session that was idle for so long gives way to a new one (Kafka's own number). */
const EVICTABLE_AFTER_MS = 120_000;
const SESSION_IDS = 0x7fff_fffe;

/** What a request asks for as a whole. */
export type FetchScope =
  | { readonly type: "refuse"; readonly errorCode: ErrorCode }
  | { readonly type: "plain"; readonly topics: readonly FetchTopic[] }
  /** The answer tells the session's id, and all that was asked for only where the session is new. */
  | {
      readonly type: "session";
      readonly session: FetchSession;
      readonly isNew: boolean;
      readonly topics: readonly FetchTopic[];
    };

/** The fetch sessions of all clients: as many as there are slots. In order of use, so that the first is the longest idle. */
export class FetchSessions {
  readonly #slots: number;
  readonly #random: Random;
  readonly #sessions = new Map<number, { readonly session: FetchSession; usedAtMs: number }>();

  constructor(slots: number, random: Random) {
    this.#slots = slots;
    this.#random = random;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** @param usesTopicIds whether the request's version names topics by their ids */
  scopeOf(request: FetchRequest, usesTopicIds: boolean, nowMs: number): FetchScope {
    const { sessionId, sessionEpoch, topics, forgotten } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      this.#sessions.delete(sessionId);
      const session = sessionEpoch === INITIAL_EPOCH ? this.#open(topics, nowMs) : undefined;
      return session === undefined ? { type: "plain", topics } : { type: "session", session, isNew: true, topics };
    }
    const found = this.#sessions.get(sessionId);
    if (found === undefined) return { type: "refuse", errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND };
    const { session } = found;
    const errorCode = session.update(sessionEpoch, usesTopicIds, topics, forgotten);
    if (errorCode !== ErrorCode.NONE) return { type: "refuse", errorCode };
    this.#sessions.delete(sessionId);
    // One that wants nothing any more is over, and the answer has no session to go on with.
    if (session.isEmpty) return { type: "plain", topics: [] };
    this.#sessions.set(sessionId, { session, usedAtMs: nowMs });
    return { type: "session", session, isNew: false, topics: session.wanted() };
  }

  #open(topics: readonly FetchTopic[], nowMs: number): FetchSession | undefined {
    if (topics.length === 0 || !this.#makeRoom(nowMs)) return undefined;
    let id = 1 + randomInt(this.#random, SESSION_IDS);
    while (this.#sessions.has(id)) id = 1 + randomInt(this.#random, SESSION_IDS);
    const session = new FetchSession(id, topics);
    this.#sessions.set(id, { session, usedAtMs: nowMs });
    return session;
  }

  #makeRoom(nowMs: number): boolean {
    if (this.#sessions.size < this.#slots) return true;
    for (const [id, { usedAtMs }] of this.#sessions) {
      if (nowMs - usedAtMs < EVICTABLE_AFTER_MS) return false;
      this.#sessions.delete(id);
      return true;
    }
    return false;
  }
}
