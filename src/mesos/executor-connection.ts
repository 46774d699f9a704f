import type { Clock } from "../base/clock.ts";
import { assertNever } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { StepLoop } from "../base/step-loop.ts";
import { CallChannel } from "./call-channel.ts";
import { type ContentType, decodeExecutorEvent, encodeExecutorCall } from "./codec.ts";
import { ConnectionLostError } from "./errors.ts";
import { EventStream } from "./event-stream.ts";
import type { ExecutorCall } from "./executor-api.ts";
import type { ExecutorEnvironment } from "./executor-environment.ts";
import {
  type ExecutorConnectionEvent,
  type ExecutorPhase,
  ExecutorSubscription,
  type ExecutorSubscriptionCommand,
  type ExecutorSubscriptionEvent,
} from "./executor-subscription.ts";

export interface ExecutorConnectionOptions {
  readonly environment: Pick<
    ExecutorEnvironment,
    | "agent"
    | "apiPath"
    | "executorId"
    | "frameworkId"
    | "recoveryTimeoutMs"
    | "subscriptionBackoffMaxMs"
    | "authenticationToken"
  >;
  /** Asked before each try: every task and update that the agent has not acknowledged by then. */
  readonly subscribe: () => Extract<ExecutorCall, { type: "SUBSCRIBE" }>;
  /** Default protobuf; JSON is for people who watch the wire. */
  readonly contentType?: ContentType;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly onEvent: (event: ExecutorConnectionEvent) => void;
}

/** A restarted agent waits two seconds for its executors, so they must not look for it less often than a few times. */
const LONGEST_PAUSE_MS = 200;
/** Calls made between SUBSCRIBE and its answer. More than that, and the connection is begun anew with all of them. */
const MAX_HELD_BACK = 100_000;

/**
 * An executor's subscription at its agent, kept up over restarts of the agent.
 *
 * Events come one at a time, and never from within `start`, `call` or `close`. Updates keep their order. Updates that
 * could not be delivered are not kept here: the next SUBSCRIBE has to carry them.
 */
export class ExecutorConnection {
  readonly #options: ExecutorConnectionOptions;
  readonly #contentType: ContentType;
  readonly #machine: ExecutorSubscription;
  readonly #loop: StepLoop<ExecutorSubscriptionEvent, ExecutorSubscriptionCommand>;
  #stream: EventStream | undefined;
  #calls: CallChannel<ExecutorCall> | undefined;
  /** Made after the present SUBSCRIBE was put together, before it was answered; undefined where none is under way. */
  #heldBack: ExecutorCall[] | undefined;
  #cancelPause: (() => void) | undefined;

  constructor(options: ExecutorConnectionOptions) {
    this.#options = options;
    this.#contentType = options.contentType ?? "application/x-protobuf";
    this.#machine = new ExecutorSubscription(options.environment);
    this.#loop = new StepLoop(this.#machine, { type: "time" }, options.clock, (command) => this.#perform(command));
  }

  get phase(): ExecutorPhase["type"] {
    return this.#machine.phase.type;
  }

  start(): void {
    queueMicrotask(() => this.#loop.dispatch({ type: "start" }));
  }

  /**
   * Sends a call in the order of the calls. While the agent is away it is dropped: an UPDATE stands in the next
   * SUBSCRIBE, a MESSAGE is never certain.
   *
   * @throws {EncodeError} the call has no form on the wire
   */
  call(call: Exclude<ExecutorCall, { type: "SUBSCRIBE" }>): void {
    if (this.#calls !== undefined) this.#send(this.#calls, call);
    else if (this.#heldBack !== undefined) this.#holdBack(this.#heldBack, call);
  }

  /** Resolves as soon as every call that was sent is answered or lost. */
  drain(): Promise<void> {
    return this.#calls?.drain() ?? Promise.resolve();
  }

  /** No events come afterwards. Idempotent. */
  close(): void {
    this.#loop.stop();
    this.#cancelPause?.();
    this.#drop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
    this.close();
  }

  #perform(command: ExecutorSubscriptionCommand): void {
    const { onEvent, log } = this.#options;
    switch (command.type) {
      case "subscribe":
        this.#subscribe();
        return;
      case "open-calls":
        this.#openCalls();
        return;
      case "drop":
        this.#drop();
        return;
      case "pause":
        this.#pause(command.attempt);
        return;
      case "emit": {
        const { event } = command;
        if (event.type === "disconnected") log.warn("agent lost", { error: event.error });
        else if (event.type === "call-rejected")
          log.error("call rejected", { call: event.call.type, error: event.error });
        else if (event.type === "gave-up")
          log.error("agent given up", { reason: event.reason, message: event.message });
        onEvent(event);
        return;
      }
      default:
        assertNever(command);
    }
  }

  #subscribe(): void {
    const { environment, subscribe, clock } = this.#options;
    const stream = new EventStream(
      {
        endpoint: environment.agent,
        path: environment.apiPath,
        contentType: this.#contentType,
        headers: this.#authorization(),
        body: this.#encode(subscribe()),
        clock,
      },
      {
        answered: ({ status }, text) => this.#loop.dispatch({ type: "answered", status, text }),
        record: (bytes) =>
          this.#loop.dispatch({ type: "record", event: decodeExecutorEvent(bytes, this.#contentType) }),
        unreadable: (error) => this.#options.log.error("event dropped", { error }),
        closed: (error) => this.#loop.dispatch({ type: "stream-closed", error }),
      },
    );
    this.#heldBack = [];
    this.#stream = stream;
    stream.open();
  }

  #openCalls(): void {
    const { environment, clock } = this.#options;
    const calls = new CallChannel<ExecutorCall>(
      {
        endpoint: environment.agent,
        path: environment.apiPath,
        contentType: this.#contentType,
        headers: this.#authorization(),
        clock,
      },
      {
        answered: (call, { status, text }) => {
          this.#loop.dispatch({ type: "call-answered", call, status, text });
        },
        lost: (_call, error) => {
          this.#loop.dispatch({ type: "call-lost", error });
        },
      },
    );
    this.#calls = calls;
    for (const call of this.#heldBack ?? []) this.#send(calls, call);
    this.#heldBack = undefined;
  }

  #send(calls: CallChannel<ExecutorCall>, call: ExecutorCall): void {
    calls.send(call, this.#encode(call));
  }

  #holdBack(heldBack: ExecutorCall[], call: ExecutorCall): void {
    heldBack.push(call);
    if (heldBack.length <= MAX_HELD_BACK) return;
    this.#heldBack = undefined;
    const error = new ConnectionLostError("Cannot subscribe at the agent: too many calls wait for its answer");
    queueMicrotask(() => this.#loop.dispatch({ type: "stream-closed", error }));
  }

  #pause(attempt: number): void {
    const { environment, clock, random } = this.#options;
    const longestMs = Math.min(LONGEST_PAUSE_MS, environment.subscriptionBackoffMaxMs);
    const ms = attempt === 1 ? 0 : longestMs * (0.5 + 0.5 * random.next());
    this.#cancelPause = clock.schedule(ms, () => this.#loop.dispatch({ type: "paused" }));
  }

  #encode(call: ExecutorCall): Uint8Array {
    const { executorId, frameworkId } = this.#options.environment;
    return encodeExecutorCall({ executorId, frameworkId, call }, this.#contentType);
  }

  #authorization(): Readonly<Record<string, string>> {
    const token = this.#options.environment.authenticationToken;
    return token === undefined ? {} : { Authorization: `Bearer ${token}` };
  }

  #drop(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#heldBack = undefined;
    const calls = this.#calls;
    this.#calls = undefined;
    calls?.close();
  }
}
