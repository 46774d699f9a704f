import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { HttpAnswer } from "./answer.ts";
import { HttpConnection } from "./connection.ts";
import type { HttpRequest } from "./request-parser.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Answers at once: what arrives pipelined on a connection is handled in that order. */
  readonly handle: (request: HttpRequest) => HttpAnswer;
  /** Default 256 MiB. */
  readonly largestBacklogBytes?: number;
}

/** A small HTTP/1.1 server for calls in strict order and for endless streams; a connection may be idle for ever. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<HttpConnection>();
  readonly #unflushed = new Set<HttpConnection>();

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, (socket) =>
      this.#accept(socket),
    );
  }

  /**
   * Listens.
   *
   * @returns the port
   * @throws an error with `code` EADDRINUSE, EACCES … as Node gives it
   */
  start(): Promise<number> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }

  /** Cuts all connections. Idempotent. */
  async close(): Promise<void> {
    for (const connection of this.#connections) connection.flush();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const { clock, log, handle, largestBacklogBytes = 256 * 1024 * 1024 } = this.#options;
    const connection = new HttpConnection(socket, {
      clock,
      log,
      handle,
      largestBacklogBytes,
      wantsFlush: () => this.#flushLater(connection),
      closed: () => {
        this.#connections.delete(connection);
        this.#unflushed.delete(connection);
      },
    });
    this.#connections.add(connection);
  }

  /** Everything that one turn of the event loop has to say to a connection leaves in one write. */
  #flushLater(connection: HttpConnection): void {
    if (this.#unflushed.size === 0) {
      setImmediate(() => {
        const connections = [...this.#unflushed];
        this.#unflushed.clear();
        for (const each of connections) each.flush();
      });
    }
    this.#unflushed.add(connection);
  }
}
