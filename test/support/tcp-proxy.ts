import { createConnection, createServer, type Socket } from "node:net";
import type { HostPort } from "../../src/mesos/host-port.ts";

/** Stands between a client and its server, for tests of a network that fails. */
export interface TcpProxy extends AsyncDisposable {
  readonly address: HostPort;
  /** Nothing passes any more, new connections included; they stay open. */
  block(): void;
  /** What was held up passes now. */
  unblock(): void;
  /** Ends all connections; new ones are made as before. */
  cut(): void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

export async function startTcpProxy(target: HostPort): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let isBlocked = false;
  const listener = createServer((client) => {
    const server = createConnection({ ...target });
    const pair = { client, server };
    pairs.add(pair);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("data", (chunk: Buffer) => to.write(chunk));
      // Either side's end is the end of both.
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
      if (isBlocked) from.pause();
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const cut = (): void => {
    for (const { client, server } of pairs) {
      client.destroy();
      server.destroy();
    }
  };
  const each = (act: (socket: Socket) => void): void => {
    for (const { client, server } of pairs) {
      act(client);
      act(server);
    }
  };
  return {
    address: { host: "127.0.0.1", port: address.port },
    block() {
      isBlocked = true;
      each((socket) => socket.pause());
    },
    unblock() {
      isBlocked = false;
      each((socket) => socket.resume());
    },
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
