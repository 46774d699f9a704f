import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { assertNever } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { StepLoop } from "../base/step-loop.ts";
import { basicAuthorization, type Credentials } from "./basic-authorization.ts";
import { CallChannel } from "./call-channel.ts";
import { type ContentType, decodeSchedulerEvent, encodeSchedulerCall } from "./codec.ts";
import { EventStream } from "./event-stream.ts";
import { formatHostPort, type HostPort } from "./host-port.ts";
import { locate, type MasterLocator } from "./master-locator.ts";
import type { SchedulerCall } from "./scheduler-api.ts";
import {
  type SchedulerConnectionEvent,
  SchedulerSubscription,
  type SubscriptionCommand,
  type SubscriptionEvent,
  type SubscriptionPhase,
} from "./scheduler-subscription.ts";
import type { FrameworkId } from "./types.ts";

export interface SchedulerConnectionOptions {
  readonly masters: MasterLocator;
  /** Asked anew before each try. Its framework id may be absent: the one of the last SUBSCRIBED is put in. */
  readonly subscribe: () => Extract<SchedulerCall, { type: "SUBSCRIBE" }>;
  /** Default protobuf; JSON is for people who watch the wire. */
  readonly contentType?: ContentType;
  /** Sent with every request (HTTP basic authentication), to whatever master the locator or a redirect names. */
  readonly credentials?: Credentials;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly onEvent: (event: SchedulerConnectionEvent) => void;
  /** Pauses between tries. Default 250 ms, doubling to 15 s, half of it left to chance. */
  readonly backoff?: BackoffOptions;
}

const PATH = "/api/v1/scheduler";
const defaultBackoff: BackoffOptions = { initialMs: 250, maxMs: 15_000 };

/**
 * A scheduler's subscription, kept up: finds the leading master, subscribes, watches its heartbeats and subscribes anew
 * whenever that ends for a reason that can pass.
 *
 * Events come one at a time, and never from within `start`, `call` or `close`. Calls keep their order.
 */
export class SchedulerConnection {
  readonly #options: SchedulerConnectionOptions;
  readonly #contentType: ContentType;
  readonly #machine = new SchedulerSubscription();
  readonly #loop: StepLoop<SubscriptionEvent, SubscriptionCommand>;
  readonly #stop = new AbortController();
  #frameworkId: FrameworkId | undefined;
  #stream: EventStream | undefined;
  #calls: CallChannel<SchedulerCall> | undefined;
  #cancelPause: (() => void) | undefined;
  #stopFollowing: (() => void) | undefined;

  constructor(options: SchedulerConnectionOptions) {
    this.#options = options;
    this.#contentType = options.contentType ?? "application/x-protobuf";
    this.#loop = new StepLoop(this.#machine, { type: "time" }, options.clock, (command) => this.#perform(command));
  }

  get phase(): SubscriptionPhase["type"] {
    return this.#machine.phase.type;
  }

  start(): void {
    queueMicrotask(() => {
      if (this.#stop.signal.aborted) return;
      this.#stopFollowing = this.#options.masters.onLeader((master) => this.#loop.dispatch({ type: "leads", master }));
      this.#loop.dispatch({ type: "start" });
    });
  }

  /**
   * Sends a call, in the order of the calls. Without a subscription it comes back as `call-unknown` in a later turn.
   *
   * @throws {EncodeError} the call has no form on the wire
   */
  call(call: Exclude<SchedulerCall, { type: "SUBSCRIBE" }>): void {
    const body = encodeSchedulerCall(call, this.#frameworkId, this.#contentType);
    if (this.#calls === undefined) {
      const lost = { type: "call-unknown", call } as const;
      queueMicrotask(() => {
        if (!this.#stop.signal.aborted) this.#options.onEvent(lost);
      });
      return;
    }
    if (call.type === "TEARDOWN") this.#loop.dispatch({ type: "tearing-down" });
    this.#calls.send(call, body);
  }

  /** Resolves as soon as every call that was sent is answered or lost. */
  drain(): Promise<void> {
    return this.#calls?.drain() ?? Promise.resolve();
  }

  /** Disconnects without TEARDOWN: to the master it is a failover. No events come afterwards. Idempotent. */
  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort(new Error("the connection was closed"));
    this.#loop.stop();
    this.#stopFollowing?.();
    this.#cancelPause?.();
    this.#drop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
    this.close();
  }

  #perform(command: SubscriptionCommand): void {
    const { masters, onEvent, log } = this.#options;
    switch (command.type) {
      case "locate":
        void locate(masters, this.#stop.signal).then((event) => this.#loop.dispatch(event));
        return;
      case "blame":
        masters.failed(command.master);
        return;
      case "follow":
        log.info("redirected to the leading master", { master: formatHostPort(command.leader) });
        masters.redirected(command.leader);
        return;
      case "subscribe":
        this.#subscribe(command.master);
        return;
      case "open-calls":
        this.#openCalls(command.master, command.streamId);
        return;
      case "drop":
        this.#drop();
        return;
      case "pause": {
        const ms = backoffMs(this.#options.backoff ?? defaultBackoff, command.attempt, this.#options.random);
        this.#cancelPause = this.#options.clock.schedule(ms, () => this.#loop.dispatch({ type: "paused" }));
        return;
      }
      case "end-pause":
        this.#cancelPause?.();
        return;
      case "emit":
        this.#note(command.event);
        onEvent(command.event);
        return;
      default:
        assertNever(command);
    }
  }

  #subscribe(master: HostPort): void {
    const call = this.#options.subscribe();
    const stream = new EventStream(
      {
        endpoint: master,
        path: PATH,
        contentType: this.#contentType,
        headers: basicAuthorization(this.#options.credentials),
        body: encodeSchedulerCall(call, call.frameworkInfo.id ?? this.#frameworkId, this.#contentType),
        clock: this.#options.clock,
      },
      {
        answered: ({ status, headers }, text) => {
          const streamId = headers.get("mesos-stream-id");
          this.#loop.dispatch({ type: "answered", status, streamId, location: headers.get("location"), text });
        },
        record: (bytes) =>
          this.#loop.dispatch({ type: "record", event: decodeSchedulerEvent(bytes, this.#contentType) }),
        unreadable: (error) => this.#options.log.error("event dropped", { error }),
        closed: (error, orderly) => this.#loop.dispatch({ type: "stream-closed", error, orderly }),
      },
    );
    this.#stream = stream;
    stream.open();
  }

  #openCalls(master: HostPort, streamId: string): void {
    this.#calls = new CallChannel(
      {
        endpoint: master,
        path: PATH,
        contentType: this.#contentType,
        headers: { "Mesos-Stream-Id": streamId, ...basicAuthorization(this.#options.credentials) },
        clock: this.#options.clock,
      },
      {
        answered: (call, { status, text }) => {
          this.#loop.dispatch({ type: "call-answered", call, status, text });
        },
        lost: (call, error) => {
          this.#loop.dispatch({ type: "call-lost", call, error });
        },
      },
    );
  }

  #drop(): void {
    this.#stream?.close();
    this.#stream = undefined;
    const calls = this.#calls;
    this.#calls = undefined;
    calls?.close();
  }

  #note(event: SchedulerConnectionEvent): void {
    const { log } = this.#options;
    if (event.type === "subscribed") {
      this.#frameworkId = event.frameworkId;
      const { frameworkId, master } = event;
      log.info("subscribed to the Mesos master", { frameworkId, master: formatHostPort(master) });
    } else if (event.type === "disconnected") log.warn("not subscribed", { error: event.error });
    else if (event.type === "call-rejected") log.error("call rejected", { call: event.call.type, error: event.error });
    else if (event.type === "ended") {
      const level = event.reason === "torn-down" ? "info" : "warn";
      log[level]("subscription ended", { reason: event.reason, message: event.message });
    }
  }
}
