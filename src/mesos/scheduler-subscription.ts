import { assertNever, type BrigadeError } from "../base/errors.ts";
import {
  CallRejectedError,
  ConnectionLostError,
  ServerUnavailableError,
  SubscriptionOverError,
  SubscriptionRefusedError,
} from "./errors.ts";
import { formatHostPort, type HostPort, hostPortOf } from "./host-port.ts";
import type { Located } from "./master-locator.ts";
import type { SchedulerCall, SchedulerEvent } from "./scheduler-api.ts";
import type { FrameworkId, MasterInfo } from "./types.ts";

/** What a scheduler connection tells its user. */
export type SchedulerConnectionEvent =
  | {
      readonly type: "subscribed";
      readonly frameworkId: FrameworkId;
      readonly heartbeatIntervalMs: number;
      readonly masterInfo: MasterInfo | undefined;
      /** Where the subscription lives. */
      readonly master: HostPort;
    }
  /** Never SUBSCRIBED, ERROR or HEARTBEAT: those are the connection's own. */
  | { readonly type: "event"; readonly event: SchedulerEvent }
  /**
   * There is no subscription; another try follows by itself. Comes after each try, so that a scheduler that waits to be
   * registered can say why; `wasSubscribed` tells the loss of a subscription from a try that failed.
   */
  | { readonly type: "disconnected"; readonly error: BrigadeError; readonly wasSubscribed: boolean }
  /** May or may not have been carried out. An ACCEPT's tasks are to be reconciled, everything else can be repeated. */
  | { readonly type: "call-unknown"; readonly call: SchedulerCall }
  /** Was not carried out, and would be refused again. */
  | { readonly type: "call-rejected"; readonly call: SchedulerCall; readonly error: CallRejectedError }
  /**
   * Nothing more will come. `failed-over`: another scheduler took over this framework. `removed`: the framework is gone
   * and its id dead. `torn-down`: likewise, by our own TEARDOWN. `refused`: the master does not accept what SUBSCRIBE says
   * or who says it.
   */
  | { readonly type: "ended"; readonly reason: EndReason; readonly message: string };

export type EndReason = "failed-over" | "removed" | "torn-down" | "refused";

export type SubscriptionPhase =
  | { readonly type: "idle" }
  | { readonly type: "locating" }
  /** SUBSCRIBE is under way. `streamId` is there once the master has accepted it. */
  | {
      readonly type: "connecting";
      readonly master: HostPort;
      readonly sinceMs: number;
      readonly streamId: string | undefined;
    }
  | {
      readonly type: "subscribed";
      readonly master: HostPort;
      readonly streamId: string;
      readonly frameworkId: FrameworkId;
      readonly heartbeatIntervalMs: number;
      readonly sinceMs: number;
      /** When the last record came. */
      readonly heardMs: number;
      /** TEARDOWN was sent: the end of the stream is what was wanted. */
      readonly tearingDown: boolean;
    }
  /** Between two tries. */
  | { readonly type: "pausing" }
  | { readonly type: "ended" };

export type SubscriptionEvent =
  | { readonly type: "start" }
  | Located
  /** The master's answer to SUBSCRIBE; `text` is its body unless it is a stream. */
  | {
      readonly type: "answered";
      readonly status: number;
      readonly streamId: string | undefined;
      readonly location: string | undefined;
      readonly text: string;
    }
  | { readonly type: "record"; readonly event: SchedulerEvent }
  | { readonly type: "stream-closed"; readonly error: BrigadeError; readonly orderly: boolean }
  | { readonly type: "tearing-down" }
  | { readonly type: "call-answered"; readonly call: SchedulerCall; readonly status: number; readonly text: string }
  | { readonly type: "call-lost"; readonly call: SchedulerCall; readonly error: BrigadeError }
  | { readonly type: "paused" }
  /** That master has come to lead. */
  | { readonly type: "leads"; readonly master: HostPort }
  | { readonly type: "time" };

export type SubscriptionCommand =
  /** Ask the locator, then answer with `located` or `not-located`. */
  | { readonly type: "locate" }
  /** The locator is to know. */
  | { readonly type: "blame"; readonly master: HostPort }
  | { readonly type: "follow"; readonly leader: HostPort }
  /** Open a stream there and send SUBSCRIBE. */
  | { readonly type: "subscribe"; readonly master: HostPort }
  /** Calls may be sent from now on, with that stream id. */
  | { readonly type: "open-calls"; readonly master: HostPort; readonly streamId: string }
  /** Close the stream and the calls; each unanswered call comes back as `call-lost`. */
  | { readonly type: "drop" }
  /** Wait, the longer the higher `attempt` (from 1), then send `paused`. */
  | { readonly type: "pause"; readonly attempt: number }
  /** Wait no longer; `paused` does not follow. */
  | { readonly type: "end-pause" }
  | { readonly type: "emit"; readonly event: SchedulerConnectionEvent };

/** Should a master name none. */
const USUAL_HEARTBEAT_MS = 15_000;
/** Silent intervals after which a master is gone; its own measure for agents. */
const HEARTBEATS_MISSED = 5;
/** From the accepted SUBSCRIBE to SUBSCRIBED. */
const SUBSCRIBED_WITHIN_MS = 75_000;
/** A subscription that lasted so long was a success: what comes after starts with short pauses again. */
const LASTING_MS = 30_000;
/** During an election two masters can point at each other. */
const MAX_REDIRECTS = 5;

/**
 * The phases of a scheduler's subscription. Pure: performs nothing and knows no clock.
 *
 * ```text
 * idle → locating → connecting → subscribed
 *           ↑  ↖─ redirect ─┘        │
 *         pausing ←── any loss ──────┘        ended ← refused, removed, failed over
 * ```
 *
 * The master's answers are read as apache/mesos gives them (src/master/http.cpp): most of what can be wrong with a
 * SUBSCRIBE comes as 200, an ERROR event and the end of the stream.
 */
export class SchedulerSubscription {
  #phase: SubscriptionPhase = { type: "idle" };
  /** Tries in a row that did not last. */
  #attempts = 0;
  #redirects = 0;

  get phase(): SubscriptionPhase {
    return this.#phase;
  }

  get wakeAtMs(): number | undefined {
    const phase = this.#phase;
    if (phase.type === "subscribed") return phase.heardMs + HEARTBEATS_MISSED * phase.heartbeatIntervalMs;
    return phase.type === "connecting" ? phase.sinceMs + SUBSCRIBED_WITHIN_MS : undefined;
  }

  /** An event that no longer fits the phase is late, and nothing comes of it. */
  step(event: SubscriptionEvent, nowMs: number): SubscriptionCommand[] {
    const phase = this.#phase;
    switch (event.type) {
      case "start":
        return phase.type === "idle" ? this.#locate() : [];
      case "paused":
        return phase.type === "pausing" ? this.#locate() : [];
      case "located":
        if (phase.type !== "locating") return [];
        this.#phase = { type: "connecting", master: event.master, sinceMs: nowMs, streamId: undefined };
        return [{ type: "subscribe", master: event.master }];
      case "not-located":
        if (phase.type !== "locating") return [];
        return this.#lose(new ConnectionLostError("Cannot locate a master", { cause: event.error }), nowMs);
      case "answered":
        return phase.type === "connecting" ? this.#answered(phase, event, nowMs) : [];
      case "record":
        return this.#record(event.event, nowMs);
      case "stream-closed":
        if (phase.type === "subscribed" && phase.tearingDown && event.orderly) return this.#tornDown();
        return this.#lose(event.error, nowMs);
      case "tearing-down":
        if (phase.type === "subscribed") this.#phase = { ...phase, tearingDown: true };
        return [];
      case "call-answered":
        return this.#callAnswered(event.call, event.status, event.text, nowMs);
      case "call-lost": {
        const unknown: SubscriptionCommand = { type: "emit", event: { type: "call-unknown", call: event.call } };
        return phase.type === "ended" ? [] : [unknown, ...this.#loseIfSubscribed(event.error, nowMs)];
      }
      case "leads":
        return this.#otherLeads(event.master);
      case "time":
        return this.#time(nowMs);
      default:
        return assertNever(event);
    }
  }

  #locate(): SubscriptionCommand[] {
    this.#phase = { type: "locating" };
    return [{ type: "locate" }];
  }

  /** What was tried or waited for before does not matter any more. */
  #otherLeads(leader: HostPort): SubscriptionCommand[] {
    const phase = this.#phase;
    if (phase.type !== "pausing" && phase.type !== "connecting" && phase.type !== "subscribed") return [];
    if (phase.type !== "pausing" && formatHostPort(phase.master) === formatHostPort(leader)) return [];
    this.#attempts = 0;
    this.#redirects = 0;
    if (phase.type === "pausing") return [{ type: "end-pause" }, ...this.#locate()];
    const message = `Cannot go on with ${formatHostPort(phase.master)}: ${formatHostPort(leader)} leads`;
    const wasSubscribed = phase.type === "subscribed";
    const error = new SubscriptionOverError(message);
    return [
      { type: "drop" },
      { type: "emit", event: { type: "disconnected", error, wasSubscribed } },
      ...this.#locate(),
    ];
  }

  #answered(
    phase: Extract<SubscriptionPhase, { type: "connecting" }>,
    { status, streamId, location, text }: Extract<SubscriptionEvent, { type: "answered" }>,
    nowMs: number,
  ): SubscriptionCommand[] {
    const master = formatHostPort(phase.master);
    if (status === 200 && streamId !== undefined) {
      this.#phase = { ...phase, streamId };
      return [];
    }
    if (status === 307) return this.#redirected(location, master, nowMs);
    if (isFinalRefusal(status)) {
      const error = new SubscriptionRefusedError(
        `Cannot subscribe at ${master}: the answer is ${status}, ${text.trim()}`,
      );
      return this.#end("refused", error.message);
    }
    const what = status === 200 ? "a stream without Mesos-Stream-Id" : text;
    return this.#lose(new ServerUnavailableError(master, status, what), nowMs);
  }

  #redirected(location: string | undefined, master: string, nowMs: number): SubscriptionCommand[] {
    const leader = hostPortOf(location);
    this.#redirects++;
    if (leader === undefined || this.#redirects > MAX_REDIRECTS) {
      const what = leader === undefined ? `Location ${location ?? "missing"}` : `${MAX_REDIRECTS} redirects in a row`;
      return this.#lose(new ServerUnavailableError(master, 307, what), nowMs);
    }
    return [{ type: "drop" }, { type: "follow", leader }, ...this.#locate()];
  }

  #record(event: SchedulerEvent, nowMs: number): SubscriptionCommand[] {
    const phase = this.#phase;
    if (phase.type === "connecting") return this.#firstRecord(phase, event, nowMs);
    if (phase.type !== "subscribed") return [];
    this.#phase = { ...phase, heardMs: nowMs };
    if (event.type === "HEARTBEAT" || event.type === "SUBSCRIBED") return [];
    if (event.type !== "ERROR") return [{ type: "emit", event: { type: "event", event } }];
    if (event.message === "Framework failed over") return this.#end("failed-over", event.message);
    return this.#lose(new SubscriptionOverError(`Cannot go on with the subscription: ${event.message}`), nowMs);
  }

  #firstRecord(
    { master, streamId }: Extract<SubscriptionPhase, { type: "connecting" }>,
    event: SchedulerEvent,
    nowMs: number,
  ): SubscriptionCommand[] {
    if (event.type === "ERROR") {
      if (event.message === "Framework has been removed") return this.#end("removed", event.message);
      // Not what the authorizer decided, but that it could not: its own trouble, and it may pass.
      if (event.message.startsWith("Authorization failure")) {
        return this.#lose(new SubscriptionOverError(`Cannot subscribe: ${event.message}`), nowMs);
      }
      return this.#end("refused", event.message);
    }
    if (event.type !== "SUBSCRIBED" || streamId === undefined) return [];
    const { frameworkId, masterInfo } = event;
    const heartbeatIntervalMs = event.heartbeatIntervalMs > 0 ? event.heartbeatIntervalMs : USUAL_HEARTBEAT_MS;
    this.#redirects = 0;
    this.#phase = {
      type: "subscribed",
      master,
      streamId,
      frameworkId,
      heartbeatIntervalMs,
      sinceMs: nowMs,
      heardMs: nowMs,
      tearingDown: false,
    };
    return [
      { type: "open-calls", master, streamId },
      { type: "emit", event: { type: "subscribed", frameworkId, heartbeatIntervalMs, masterInfo, master } },
    ];
  }

  #callAnswered(call: SchedulerCall, status: number, text: string, nowMs: number): SubscriptionCommand[] {
    if (this.#phase.type === "ended") return [];
    if (status === 202 || status === 200) return call.type === "TEARDOWN" ? this.#tornDown() : [];
    const error = new CallRejectedError(call.type, status, text);
    if (status === 307 || status === 404 || status >= 500) {
      // Somewhere between a master that lost its lead and one that is going down: what it did is not told.
      const unknown: SubscriptionCommand = { type: "emit", event: { type: "call-unknown", call } };
      return [unknown, ...this.#loseIfSubscribed(error, nowMs)];
    }
    const rejected: SubscriptionCommand = { type: "emit", event: { type: "call-rejected", call, error } };
    return error.subscriptionLost ? [rejected, ...this.#loseIfSubscribed(error, nowMs)] : [rejected];
  }

  #time(nowMs: number): SubscriptionCommand[] {
    const phase = this.#phase;
    const due = this.wakeAtMs;
    if (due === undefined || nowMs < due) return [];
    const what = phase.type === "subscribed" ? `silent for ${nowMs - phase.heardMs} ms` : "no SUBSCRIBED came";
    return this.#lose(new ConnectionLostError(`Cannot go on with the subscription: ${what}`), nowMs);
  }

  /** The loss of calls ends the subscription that they belong to, but not the try for the next one. */
  #loseIfSubscribed(error: BrigadeError, nowMs: number): SubscriptionCommand[] {
    return this.#phase.type === "subscribed" ? this.#lose(error, nowMs) : [];
  }

  #lose(error: BrigadeError, nowMs: number): SubscriptionCommand[] {
    const phase = this.#phase;
    if (phase.type === "idle" || phase.type === "pausing" || phase.type === "ended") return [];
    const wasSubscribed = phase.type === "subscribed";
    if (wasSubscribed && nowMs - phase.sinceMs >= LASTING_MS) this.#attempts = 0;
    this.#attempts++;
    this.#redirects = 0;
    this.#phase = { type: "pausing" };
    return [
      { type: "drop" },
      ...(phase.type === "locating" ? [] : [{ type: "blame", master: phase.master } as const]),
      { type: "emit", event: { type: "disconnected", error, wasSubscribed } },
      { type: "pause", attempt: this.#attempts },
    ];
  }

  #tornDown(): SubscriptionCommand[] {
    return this.#end("torn-down", "The framework was torn down");
  }

  #end(reason: EndReason, message: string): SubscriptionCommand[] {
    this.#phase = { type: "ended" };
    return [{ type: "drop" }, { type: "emit", event: { type: "ended", reason, message } }];
  }
}

/**
 * 400, 401, 403, 405, 406, 415: the request or its sender is at fault, and will be again. 404 is a master that boots,
 * 503 one that recovers or knows no leader.
 */
function isFinalRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 404 && status !== 408 && status !== 429;
}
