import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { errorCode } from "../../src/base/errors.ts";

/** Linux gives away those from 32 768 on, and `brigade local` chooses from below them. */
const FIRST = 10_000;
const PAST_LAST = 20_000;

/** Processes that begin next to one another begin far from each other. */
let next = FIRST + ((process.pid * 61) % (PAST_LAST - FIRST));

/**
 * A port for a server that has to be told one, or that has to come back at the place where it was.
 *
 * No one that is free by chance: the kernel gives those to everybody who asks for any, and to outgoing connections, as
 * soon as nobody listens. This one comes from where it takes none, and no other call gets it, be it of another process,
 * for as long as this one lives.
 */
export async function freePort(): Promise<number> {
  for (let tries = FIRST; tries < PAST_LAST; tries++) {
    const port = next;
    next = port + 1 < PAST_LAST ? port + 1 : FIRST;
    if ((await reserve(port)) && (await isFree(port))) return port;
  }
  throw new Error(`no port from ${FIRST} to ${PAST_LAST - 1} is free`);
}

/** By a socket for datagrams, which is in nobody's way: other processes that come here find it taken. */
function reserve(port: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = createSocket("udp4");
  socket.once("error", (error) => (isTaken(error) ? resolve(false) : reject(error)));
  socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => {
    socket.unref();
    resolve(true);
  });
  return promise;
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", (error) => (isTaken(error) ? resolve(false) : reject(error)));
  server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  return promise;
}

function isTaken(error: Error): boolean {
  return ["EADDRINUSE", "EACCES"].includes(errorCode(error) ?? "");
}
