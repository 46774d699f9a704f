import { type BackoffOptions, backoffMs } from "../../../base/backoff.ts";
import { utf8 } from "../../../base/bytes.ts";
import type { Clock } from "../../../base/clock.ts";
import { assertNever } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { Random } from "../../../base/random.ts";
import { StepLoop } from "../../../base/step-loop.ts";
import { basicAuthorization, type Credentials } from "../../../mesos/basic-authorization.ts";
import { CallChannel } from "../../../mesos/call-channel.ts";
import { ServerUnavailableError } from "../../../mesos/errors.ts";
import { EventStream } from "../../../mesos/event-stream.ts";
import { formatHostPort, type HostPort } from "../../../mesos/host-port.ts";
import { locate, type MasterLocator } from "../../../mesos/master-locator.ts";
import type { AgentId } from "../../../mesos/types.ts";
import type { AgentOrder, AgentReport } from "../agent-messages.ts";
import { LinkProtocolError } from "./errors.ts";
import { agentIdHeader, linkPath, linkVersion, reportsPath, streamIdHeader } from "./link-paths.ts";
import { type LinkCommand, type LinkEvent, LinkPhases } from "./link-phases.ts";
import { decodeOrder, encodeReport } from "./wire.ts";

export interface MasterLinkOptions {
  readonly masters: MasterLocator;
  /** undefined: an agent that no master has met yet; it gets an id by `onUp`. */
  readonly agentId: AgentId | undefined;
  readonly credentials?: Credentials | undefined;
  /** A master that is silent for so long is gone; it pings every 15 s unless it was set otherwise. Default 75 s. */
  readonly silenceTimeoutMs?: number;
  /** Pauses between tries. Default 250 ms, doubling to 5 s, half of it left to chance. */
  readonly backoff?: BackoffOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** There is a link: the agent may register. */
  readonly onUp: (agentId: AgentId, master: HostPort) => void;
  readonly onDown: () => void;
  readonly onOrder: (order: AgentOrder) => void;
}

const CONNECT_TIMEOUT_MS = 5000;
const defaultBackoff: BackoffOptions = { initialMs: 250, maxMs: 5000 };

/** An agent's way to the leading master, kept up: orders come, reports go, both in order. */
export class MasterLink {
  readonly #options: MasterLinkOptions;
  readonly #loop: StepLoop<LinkEvent, LinkCommand>;
  readonly #stop = new AbortController();
  #agentId: AgentId | undefined;
  #stream: EventStream | undefined;
  #reports: CallChannel<AgentReport> | undefined;
  #cancelPause: (() => void) | undefined;
  #stopFollowing: (() => void) | undefined;

  constructor(options: MasterLinkOptions) {
    this.#options = options;
    this.#agentId = options.agentId;
    const phases = new LinkPhases({
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      silenceTimeoutMs: options.silenceTimeoutMs ?? 75_000,
    });
    this.#loop = new StepLoop(phases, { type: "time" }, options.clock, (command) => this.#perform(command));
  }

  start(): void {
    this.#stopFollowing = this.#options.masters.onLeader((master) => this.#loop.dispatch({ type: "leads", master }));
    this.#loop.dispatch({ type: "start" });
  }

  /** Without a link it is lost: what matters is told in registering. */
  report(report: AgentReport): void {
    this.#reports?.send(report, encodeReport(report));
  }

  /** Resolves as soon as every report is answered or lost. */
  drain(): Promise<void> {
    return this.#reports?.drain() ?? Promise.resolve();
  }

  /** Idempotent. */
  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort(new Error("the link was closed"));
    this.#loop.stop();
    this.#stopFollowing?.();
    this.#cancelPause?.();
    this.#drop();
  }

  #perform(command: LinkCommand): void {
    const { masters, log, onUp, onDown } = this.#options;
    switch (command.type) {
      case "locate":
        void locate(masters, this.#stop.signal).then((event) => this.#loop.dispatch(event));
        return;
      case "blame":
        masters.failed(command.master);
        return;
      case "follow":
        masters.redirected(command.leader);
        return;
      case "connect":
        this.#connect(command.master);
        return;
      case "up":
        this.#agentId = command.agentId as AgentId;
        this.#openReports(command.master, command.streamId);
        log.info("linked to the master", { master: formatHostPort(command.master), agent: command.agentId });
        onUp(this.#agentId, command.master);
        return;
      case "drop":
        this.#drop();
        return;
      case "down":
        log.warn("not linked to a master", { error: command.error });
        if (command.wasUp) onDown();
        return;
      case "pause": {
        const { backoff = defaultBackoff, random, clock } = this.#options;
        const ms = backoffMs(backoff, command.attempt, random);
        this.#cancelPause = clock.schedule(ms, () => this.#loop.dispatch({ type: "paused" }));
        return;
      }
      case "end-pause":
        this.#cancelPause?.();
        return;
      default:
        assertNever(command);
    }
  }

  #connect(master: HostPort): void {
    const stream = new EventStream(
      {
        endpoint: master,
        path: linkPath,
        contentType: "application/json",
        headers: basicAuthorization(this.#options.credentials),
        body: utf8(JSON.stringify({ version: linkVersion, agentId: this.#agentId ?? null })),
        clock: this.#options.clock,
      },
      {
        answered: ({ status, headers }, text) => {
          const of = (name: string): string | undefined => headers.get(name.toLowerCase());
          const [streamId, agentId, location] = [of(streamIdHeader), of(agentIdHeader), of("location")];
          this.#loop.dispatch({ type: "answered", status, streamId, agentId, location, text });
        },
        record: (bytes) => this.#order(bytes),
        unreadable: (error) => this.#loop.dispatch({ type: "lost", error }),
        closed: (error) => this.#loop.dispatch({ type: "lost", error }),
      },
    );
    this.#stream = stream;
    stream.open();
  }

  #order(bytes: Uint8Array): void {
    this.#loop.dispatch({ type: "heard" });
    let order: AgentOrder;
    try {
      order = decodeOrder(bytes);
    } catch (error) {
      if (!(error instanceof LinkProtocolError)) throw error;
      this.#loop.dispatch({ type: "lost", error });
      return;
    }
    this.#options.onOrder(order);
  }

  #openReports(master: HostPort, streamId: string): void {
    this.#reports = new CallChannel(
      {
        endpoint: master,
        path: reportsPath,
        contentType: "application/json",
        headers: { [streamIdHeader]: streamId, ...basicAuthorization(this.#options.credentials) },
        clock: this.#options.clock,
      },
      {
        answered: (_, { status, text }) => {
          if (status === 202) return;
          const error = new ServerUnavailableError(formatHostPort(master), status, text);
          this.#loop.dispatch({ type: "lost", error });
        },
        lost: (_, error) => {
          this.#loop.dispatch({ type: "lost", error });
        },
      },
    );
  }

  #drop(): void {
    this.#stream?.close();
    this.#stream = undefined;
    const reports = this.#reports;
    this.#reports = undefined;
    reports?.close();
  }
}
