import { assertNever, type BrigadeError } from "../../../base/errors.ts";
import type { Machine } from "../../../base/step-loop.ts";
import { ConnectionLostError, ServerUnavailableError, SubscriptionOverError } from "../../../mesos/errors.ts";
import { formatHostPort, type HostPort, hostPortOf } from "../../../mesos/host-port.ts";
import type { Located } from "../../../mesos/master-locator.ts";

export type LinkPhase =
  | { readonly type: "idle" }
  | { readonly type: "locating" }
  | { readonly type: "connecting"; readonly master: HostPort; readonly sinceMs: number }
  | { readonly type: "open"; readonly master: HostPort; readonly sinceMs: number; readonly heardMs: number }
  | { readonly type: "pausing" };

export type LinkEvent =
  | { readonly type: "start" }
  | Located
  | {
      readonly type: "answered";
      readonly status: number;
      /** Both are there where the master is one of ours and leads. */
      readonly streamId: string | undefined;
      readonly agentId: string | undefined;
      readonly location: string | undefined;
      readonly text: string;
    }
  /** An order came. */
  | { readonly type: "heard" }
  | { readonly type: "lost"; readonly error: BrigadeError }
  /** That master has come to lead. */
  | { readonly type: "leads"; readonly master: HostPort }
  | { readonly type: "paused" }
  | { readonly type: "time" };

export type LinkCommand =
  /** Ask the locator, then answer with `located` or `not-located`. */
  | { readonly type: "locate" }
  | { readonly type: "blame"; readonly master: HostPort }
  | { readonly type: "follow"; readonly leader: HostPort }
  | { readonly type: "connect"; readonly master: HostPort }
  /** Reports go to that stream from now on. */
  | { readonly type: "up"; readonly master: HostPort; readonly streamId: string; readonly agentId: string }
  | { readonly type: "drop" }
  /** There is no link, and another try follows; `wasUp` tells the loss of one from a try that failed. */
  | { readonly type: "down"; readonly error: BrigadeError; readonly wasUp: boolean }
  | { readonly type: "pause"; readonly attempt: number }
  | { readonly type: "end-pause" };

export interface LinkSettings {
  /** From the request to the head of the answer. */
  readonly connectTimeoutMs: number;
  /** A master that has not said a word for so long (it pings) is gone. */
  readonly silenceTimeoutMs: number;
}

/** A link that lasted so long was a success: what comes after starts with short pauses again. */
const LASTING_MS = 30_000;
/** During an election two masters can point at each other. */
const MAX_REDIRECTS = 5;

/** The phases of an agent's link to the leading master. Pure: performs nothing and knows no clock. */
export class LinkPhases implements Machine<LinkEvent, LinkCommand> {
  readonly #settings: LinkSettings;
  #phase: LinkPhase = { type: "idle" };
  /** Tries in a row that did not last. */
  #attempts = 0;
  #redirects = 0;

  constructor(settings: LinkSettings) {
    this.#settings = settings;
  }

  get phase(): LinkPhase {
    return this.#phase;
  }

  get wakeAtMs(): number | undefined {
    const phase = this.#phase;
    if (phase.type === "connecting") return phase.sinceMs + this.#settings.connectTimeoutMs;
    return phase.type === "open" ? phase.heardMs + this.#settings.silenceTimeoutMs : undefined;
  }

  /** An event that no longer fits the phase is late, and nothing comes of it. */
  step(event: LinkEvent, nowMs: number): LinkCommand[] {
    const phase = this.#phase;
    switch (event.type) {
      case "start":
        return phase.type === "idle" ? this.#locate() : [];
      case "paused":
        return phase.type === "pausing" ? this.#locate() : [];
      case "located":
        if (phase.type !== "locating") return [];
        this.#phase = { type: "connecting", master: event.master, sinceMs: nowMs };
        return [{ type: "connect", master: event.master }];
      case "not-located":
        if (phase.type !== "locating") return [];
        return this.#lose(new ConnectionLostError("Cannot locate a master", { cause: event.error }), nowMs);
      case "answered":
        return phase.type === "connecting" ? this.#answered(phase.master, event, nowMs) : [];
      case "heard":
        if (phase.type === "open") this.#phase = { ...phase, heardMs: nowMs };
        return [];
      case "lost":
        return phase.type === "connecting" || phase.type === "open" ? this.#lose(event.error, nowMs) : [];
      case "leads":
        return this.#otherLeads(event.master);
      case "time":
        return this.#time(nowMs);
      default:
        return assertNever(event);
    }
  }

  #locate(): LinkCommand[] {
    this.#phase = { type: "locating" };
    return [{ type: "locate" }];
  }

  #answered(
    master: HostPort,
    { status, streamId, agentId, location, text }: Extract<LinkEvent, { type: "answered" }>,
    nowMs: number,
  ): LinkCommand[] {
    if (status === 200 && streamId !== undefined && agentId !== undefined) {
      this.#redirects = 0;
      this.#phase = { type: "open", master, sinceMs: nowMs, heardMs: nowMs };
      return [{ type: "up", master, streamId, agentId }];
    }
    const leader = status === 307 ? hostPortOf(location) : undefined;
    if (leader !== undefined && this.#redirects < MAX_REDIRECTS) {
      this.#redirects++;
      return [{ type: "drop" }, { type: "follow", leader }, ...this.#locate()];
    }
    const what = status === 404 ? "it is no master of brigade mesos" : text;
    return this.#lose(new ServerUnavailableError(formatHostPort(master), status, what), nowMs);
  }

  /** What was tried or waited for before does not matter any more. */
  #otherLeads(leader: HostPort): LinkCommand[] {
    const phase = this.#phase;
    if (phase.type !== "pausing" && phase.type !== "connecting" && phase.type !== "open") return [];
    if (phase.type !== "pausing" && formatHostPort(phase.master) === formatHostPort(leader)) return [];
    this.#attempts = 0;
    this.#redirects = 0;
    if (phase.type === "pausing") return [{ type: "end-pause" }, ...this.#locate()];
    const message = `Cannot go on with ${formatHostPort(phase.master)}: ${formatHostPort(leader)} leads`;
    const error = new SubscriptionOverError(message);
    return [{ type: "drop" }, { type: "down", error, wasUp: phase.type === "open" }, ...this.#locate()];
  }

  #time(nowMs: number): LinkCommand[] {
    const due = this.wakeAtMs;
    if (due === undefined || nowMs < due) return [];
    const phase = this.#phase;
    const what = phase.type === "open" ? `silent for ${Math.round(nowMs - phase.heardMs)} ms` : "no answer came";
    return this.#lose(new ConnectionLostError(`Cannot go on with the master: ${what}`), nowMs);
  }

  #lose(error: BrigadeError, nowMs: number): LinkCommand[] {
    const phase = this.#phase;
    if (phase.type === "idle" || phase.type === "pausing") return [];
    const wasUp = phase.type === "open";
    if (wasUp && nowMs - phase.sinceMs >= LASTING_MS) this.#attempts = 0;
    this.#attempts++;
    this.#redirects = 0;
    this.#phase = { type: "pausing" };
    return [
      { type: "drop" },
      ...(phase.type === "locating" ? [] : [{ type: "blame", master: phase.master } as const]),
      { type: "down", error, wasUp },
      { type: "pause", attempt: this.#attempts },
    ];
  }
}
