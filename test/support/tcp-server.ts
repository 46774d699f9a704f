import { createServer, type Server, type Socket } from "node:net";
import type { HostPort } from "../../src/mesos/host-port.ts";

/** A server on loopback that speaks whatever the test writes; each socket's input is kept as text. */
export interface TcpServer extends AsyncDisposable {
  readonly endpoint: HostPort;
  readonly sockets: readonly ServedSocket[];
}

export interface ServedSocket {
  readonly socket: Socket;
  /** All that came so far, as latin1. */
  readonly received: string;
}

export async function startTcpServer(onData: (served: ServedSocket, chunk: Buffer) => void): Promise<TcpServer> {
  const sockets: { socket: Socket; received: string }[] = [];
  const server: Server = createServer((socket) => {
    const served = { socket, received: "" };
    sockets.push(served);
    socket.on("data", (chunk: Buffer) => {
      served.received += chunk.toString("latin1");
      onData(served, chunk);
    });
    // A peer that cuts the connection is part of what the tests do.
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    endpoint: { host: "127.0.0.1", port: address.port },
    sockets,
    async [Symbol.asyncDispose]() {
      for (const { socket } of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
