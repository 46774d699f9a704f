import type { Socket, TCPSocketListener } from "bun";
import { giveBack } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Broker } from "./broker.ts";
import { Connection } from "./connection.ts";

export interface KafkaServerOptions {
  readonly broker: Broker;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What hangs on each socket. */
interface Attached {
  connection: Connection | undefined;
  activeAtMs: number;
}

/** Idle connections are looked for so often while one lives as long as it may. */
const IDLE_CHECKS_PER_LIFE = 10;

/** Takes connections and moves their bytes; everything else is {@link Connection}'s. */
export class KafkaServer {
  readonly #options: KafkaServerOptions;
  readonly #sockets = new Set<Socket<Attached>>();
  #listener: TCPSocketListener<Attached> | undefined;
  #cancelIdleCheck: (() => void) | undefined;

  constructor(options: KafkaServerOptions) {
    this.#options = options;
  }

  /** Listens; the result is the port. Throws where the port is taken. */
  start(): number {
    const { host, port, clock } = this.#options;
    this.#listener = Bun.listen<Attached>({
      hostname: host,
      port,
      data: { connection: undefined, activeAtMs: 0 },
      socket: {
        open: (socket) => this.#opened(socket),
        data: (socket, chunk) => {
          socket.data.activeAtMs = clock.monotonicMs();
          socket.data.connection?.received(chunk);
          giveBack(chunk);
        },
        drain: (socket) => socket.data.connection?.drained(),
        // A client that has sent its last byte gets no more answers: no Kafka client half-closes.
        end: (socket) => {
          socket.end();
        },
        close: (socket) => this.#closed(socket),
        error: (socket, error) => {
          this.#options.log.debug("kafka socket failed", { client: peerOf(socket), error });
          this.#closed(socket);
        },
      },
    });
    this.#checkIdle();
    return this.#listener.port;
  }

  /** Stops listening and cuts every connection. Idempotent. */
  stop(): void {
    this.#cancelIdleCheck?.();
    for (const socket of this.#sockets) {
      socket.data.connection?.closed();
      socket.terminate();
    }
    this.#sockets.clear();
    this.#listener?.stop(true);
    this.#listener = undefined;
  }

  #opened(socket: Socket<Attached>): void {
    const { broker, clock, log } = this.#options;
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    const connection = new Connection({
      broker,
      log,
      peer: peerOf(socket),
      clientHost: `/${socket.remoteAddress}`,
      outlet: {
        write: (bytes) => socket.write(bytes),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        end: () => {
          socket.end();
        },
        terminate: () => socket.terminate(),
      },
    });
    // Bun gives every socket of a listener the same `data` object: each gets its own here.
    socket.data = { connection, activeAtMs: clock.monotonicMs() };
    this.#sockets.add(socket);
  }

  #closed(socket: Socket<Attached>): void {
    socket.data.connection?.closed();
    this.#sockets.delete(socket);
  }

  #checkIdle(): void {
    const { broker, clock } = this.#options;
    const { connectionsMaxIdleMs } = broker.config;
    this.#cancelIdleCheck = clock.schedule(connectionsMaxIdleMs / IDLE_CHECKS_PER_LIFE, () => {
      const nowMs = clock.monotonicMs();
      for (const socket of this.#sockets) {
        const { connection, activeAtMs } = socket.data;
        if (nowMs - activeAtMs >= connectionsMaxIdleMs && connection?.isBusy !== true) socket.terminate();
      }
      this.#checkIdle();
    });
  }
}

function peerOf(socket: Socket<Attached>): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
