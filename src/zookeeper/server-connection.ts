import { createConnection, type Socket } from "node:net";
import { ZooKeeperProtocolError, ZooKeeperUnavailableError } from "./errors.ts";
import { FrameSplitter, frame } from "./frames.ts";

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface ServerConnectionHandlers {
  opened(): void;
  /** A whole frame, the receiver's to keep. */
  message(message: Uint8Array): void;
  /** Nothing follows. */
  lost(error: ZooKeeperUnavailableError | ZooKeeperProtocolError): void;
}

/** One TCP connection to one server. Its owner watches its deadlines. */
export class ServerConnection {
  readonly #address: ServerAddress;
  readonly #handlers: ServerConnectionHandlers;
  readonly #frames: FrameSplitter;
  #socket: Socket | undefined;
  #closed = false;

  constructor(address: ServerAddress, maxFrameBytes: number, handlers: ServerConnectionHandlers) {
    this.#address = address;
    this.#handlers = handlers;
    this.#frames = new FrameSplitter(maxFrameBytes);
  }

  open(): void {
    const socket = createConnection({ ...this.#address, noDelay: true });
    this.#socket = socket;
    socket.on("connect", () => {
      if (!this.#closed) this.#handlers.opened();
    });
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", (cause) => this.#lose("broke", cause));
    socket.on("end", () => this.#lose("was closed by the server"));
    socket.on("close", () => this.#lose("was closed"));
  }

  send(message: Uint8Array): void {
    if (!this.#closed) this.#socket?.write(frame(message));
  }

  /** Nothing is told any more. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #received(chunk: Uint8Array): void {
    if (this.#closed) return;
    let messages: Uint8Array[];
    try {
      messages = this.#frames.push(chunk);
    } catch (error) {
      if (!(error instanceof ZooKeeperProtocolError)) throw error;
      this.#finish(error);
      return;
    }
    for (const message of messages) {
      // A handler may have closed it.
      if (!this.#closed) this.#handlers.message(message);
    }
  }

  #lose(what: string, cause?: unknown): void {
    const { host, port } = this.#address;
    const message = `Cannot talk to ZooKeeper at ${host}:${port}: the connection ${what}`;
    this.#finish(new ZooKeeperUnavailableError(message, false, cause === undefined ? undefined : { cause }));
  }

  #finish(error: ZooKeeperUnavailableError | ZooKeeperProtocolError): void {
    if (this.#closed) return;
    this.close();
    this.#handlers.lost(error);
  }
}
