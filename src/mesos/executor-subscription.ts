import { assertNever, type BrigadeError } from "../base/errors.ts";
import { CallRejectedError, ConnectionLostError, ServerUnavailableError } from "./errors.ts";
import type { ExecutorCall, ExecutorEvent } from "./executor-api.ts";

/** What an executor connection tells its user. */
export type ExecutorConnectionEvent =
  | { readonly type: "event"; readonly event: ExecutorEvent }
  /** The agent is gone, or cannot hear us; once for each loss. Tasks go on, and the connection looks for it. */
  | { readonly type: "disconnected"; readonly error: BrigadeError }
  /** Was not carried out, and would be refused again. */
  | { readonly type: "call-rejected"; readonly call: ExecutorCall; readonly error: CallRejectedError }
  /**
   * Nothing more will come, and nobody listens any more: end the tasks and exit. `lost`: the agent did not come back in
   * time, which without checkpoint is at once. `refused`: the agent does not know this executor, or its token.
   */
  | { readonly type: "gave-up"; readonly reason: "lost" | "refused"; readonly message: string };

export type ExecutorPhase =
  | { readonly type: "idle" }
  | { readonly type: "connecting"; readonly sinceMs: number }
  | { readonly type: "subscribed" }
  /** After SHUTDOWN: the agent may end the stream, but takes updates until the grace period is over. */
  | { readonly type: "leaving" }
  | { readonly type: "pausing" }
  | { readonly type: "ended" };

export type ExecutorSubscriptionEvent =
  | { readonly type: "start" }
  | { readonly type: "answered"; readonly status: number; readonly text: string }
  | { readonly type: "record"; readonly event: ExecutorEvent }
  | { readonly type: "stream-closed"; readonly error: BrigadeError }
  | { readonly type: "call-answered"; readonly call: ExecutorCall; readonly status: number; readonly text: string }
  | { readonly type: "call-lost"; readonly error: BrigadeError }
  | { readonly type: "paused" }
  | { readonly type: "time" };

export type ExecutorSubscriptionCommand =
  /** Open a stream and send SUBSCRIBE with what is unacknowledged now. */
  | { readonly type: "subscribe" }
  /** Calls may be sent from now on. */
  | { readonly type: "open-calls" }
  /** Close the stream and the calls. */
  | { readonly type: "drop" }
  /** Wait, not at all at `attempt` 1, then send `paused`. */
  | { readonly type: "pause"; readonly attempt: number }
  | { readonly type: "emit"; readonly event: ExecutorConnectionEvent };

export interface ExecutorSubscriptionOptions {
  /** How long to look for a lost agent; 0 (no checkpoint): not at all. */
  readonly recoveryTimeoutMs: number;
}

/** From SUBSCRIBE to the first event. */
const SUBSCRIBED_WITHIN_MS = 75_000;

/**
 * The phases of an executor's subscription. Pure: performs nothing and knows no clock.
 *
 * ```text
 * idle → connecting ⇄ subscribed → leaving
 *           ↑    ↓ any loss
 *          pausing → ended
 * ```
 *
 * The agent does not notice that a stream broke, and what it sends meanwhile is lost: so back at once, with everything
 * that is unacknowledged in SUBSCRIBE. It promises heartbeats only each 30 minutes, too rare to watch.
 */
export class ExecutorSubscription {
  readonly #recoveryTimeoutMs: number;
  #phase: ExecutorPhase = { type: "idle" };
  /** Tries since the last subscription. */
  #attempts = 0;
  /** When the last subscription was lost; undefined while there is one. */
  #lostMs: number | undefined;

  constructor({ recoveryTimeoutMs }: ExecutorSubscriptionOptions) {
    this.#recoveryTimeoutMs = recoveryTimeoutMs;
  }

  get phase(): ExecutorPhase {
    return this.#phase;
  }

  get wakeAtMs(): number | undefined {
    const phase = this.#phase;
    const subscribedBy = phase.type === "connecting" ? phase.sinceMs + SUBSCRIBED_WITHIN_MS : undefined;
    if (this.#lostMs === undefined || (phase.type !== "connecting" && phase.type !== "pausing")) return subscribedBy;
    return Math.min(subscribedBy ?? Number.POSITIVE_INFINITY, this.#lostMs + this.#recoveryTimeoutMs);
  }

  /** An event that no longer fits the phase is late, and nothing comes of it. */
  step(event: ExecutorSubscriptionEvent, nowMs: number): ExecutorSubscriptionCommand[] {
    const { type } = this.#phase;
    switch (event.type) {
      case "start":
        return type === "idle" ? this.#subscribe(nowMs) : [];
      case "paused":
        return type === "pausing" ? this.#subscribe(nowMs) : [];
      case "answered":
        return type === "connecting" ? this.#answered(event.status, event.text, nowMs) : [];
      case "record":
        return this.#record(event.event, nowMs);
      case "stream-closed":
        return type === "leaving" ? [] : this.#lose(event.error, nowMs);
      case "call-answered":
        return this.#callAnswered(event.call, event.status, event.text, nowMs);
      case "call-lost":
        return type === "connecting" ? [] : this.#lose(event.error, nowMs);
      case "time":
        return this.#time(nowMs);
      default:
        return assertNever(event);
    }
  }

  #subscribe(nowMs: number): ExecutorSubscriptionCommand[] {
    this.#phase = { type: "connecting", sinceMs: nowMs };
    return [{ type: "subscribe" }];
  }

  #answered(status: number, text: string, nowMs: number): ExecutorSubscriptionCommand[] {
    if (status === 200) return [];
    // 404 and 503: the agent starts, and has not read yet which executors it had.
    const notYet = status === 404 || status < 400 || status >= 500;
    if (notYet) return this.#lose(new ServerUnavailableError("the agent", status, text), nowMs);
    return this.#end("refused", `Cannot subscribe at the agent: the answer is ${status}, ${text.trim()}`);
  }

  #record(event: ExecutorEvent, nowMs: number): ExecutorSubscriptionCommand[] {
    const { type } = this.#phase;
    if (type !== "connecting" && type !== "subscribed" && type !== "leaving") return [];
    const emit: ExecutorSubscriptionCommand = { type: "emit", event: { type: "event", event } };
    const open: ExecutorSubscriptionCommand[] = type === "connecting" ? [{ type: "open-calls" }] : [];
    if (event.type === "ERROR") {
      const error = new ConnectionLostError(`Cannot go on with the subscription: ${event.message}`);
      return [emit, ...this.#lose(error, nowMs)];
    }
    // SHUTDOWN can take the place of SUBSCRIBED.
    if (type === "leaving" || event.type === "SHUTDOWN") this.#phase = { type: "leaving" };
    else this.#phase = { type: "subscribed" };
    this.#attempts = 0;
    this.#lostMs = undefined;
    return [...open, emit];
  }

  #callAnswered(call: ExecutorCall, status: number, text: string, nowMs: number): ExecutorSubscriptionCommand[] {
    if (status === 202 || status === 200 || this.#phase.type === "ended") return [];
    const error = new CallRejectedError(call.type, status, text);
    const transient = status < 400 || status === 404 || status >= 500;
    if (!transient && !error.subscriptionLost) return [{ type: "emit", event: { type: "call-rejected", call, error } }];
    // An update that was not taken stands in the next SUBSCRIBE.
    return this.#phase.type === "connecting" ? [] : this.#lose(error, nowMs);
  }

  #time(nowMs: number): ExecutorSubscriptionCommand[] {
    const due = this.wakeAtMs;
    if (due === undefined || nowMs < due) return [];
    return this.#lose(new ConnectionLostError("Cannot subscribe at the agent: it does not answer"), nowMs);
  }

  #lose(error: BrigadeError, nowMs: number): ExecutorSubscriptionCommand[] {
    const { type } = this.#phase;
    if (type === "idle" || type === "ended") return [];
    if (type === "leaving") return this.#end("lost", error.message);
    const first = this.#lostMs === undefined;
    this.#lostMs ??= nowMs;
    if (nowMs - this.#lostMs >= this.#recoveryTimeoutMs) return this.#end("lost", error.message);
    if (type === "pausing") return [];
    this.#attempts++;
    this.#phase = { type: "pausing" };
    return [
      { type: "drop" },
      ...(first ? [{ type: "emit", event: { type: "disconnected", error } } as const] : []),
      { type: "pause", attempt: this.#attempts },
    ];
  }

  #end(reason: "lost" | "refused", message: string): ExecutorSubscriptionCommand[] {
    this.#phase = { type: "ended" };
    return [{ type: "drop" }, { type: "emit", event: { type: "gave-up", reason, message } }];
  }
}
