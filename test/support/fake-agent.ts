import type { Socket } from "node:net";
import { type ContentType, decodeExecutorCall, encodeExecutorEvent } from "../../src/mesos/codec.ts";
import type { AddressedExecutorCall, ExecutorEvent } from "../../src/mesos/executor-api.ts";
import type { HostPort } from "../../src/mesos/host-port.ts";
import { encodeRecord } from "../../src/mesos/recordio.ts";
import { type ReceivedRequest, RequestReader } from "./http-requests.ts";
import { startTcpServer } from "./tcp-server.ts";

/** A SUBSCRIBE of an executor, and the stream that answers it. */
export interface ExecutorSubscribe {
  readonly request: ReceivedRequest;
  readonly addressed: AddressedExecutorCall;
  accept(): void;
  refuse(status: number, text: string): void;
  sendRecord(record: Uint8Array): void;
  send(event: ExecutorEvent): void;
  /** Ends the stream in order. */
  end(): void;
  /** Cuts the connection. */
  cut(): void;
}

export interface ExecutorCallReceived {
  readonly request: ReceivedRequest;
  readonly addressed: AddressedExecutorCall;
  readonly connection: Socket;
}

/** The wire of an agent's executor API without any of its mind: what it answers is the test's doing. */
export interface FakeAgent extends AsyncDisposable {
  readonly endpoint: HostPort;
  readonly subscribes: readonly ExecutorSubscribe[];
  readonly calls: readonly ExecutorCallReceived[];
  /** Status and text of the answer to each call from now on; undefined: none. Default 202. */
  answer: (call: ExecutorCallReceived) => readonly [status: number, text: string] | undefined;
}

export async function startFakeAgent(type: ContentType = "application/x-protobuf"): Promise<FakeAgent> {
  const subscribes: ExecutorSubscribe[] = [];
  const calls: ExecutorCallReceived[] = [];
  const readers = new WeakMap<Socket, RequestReader>();
  const server = await startTcpServer(({ socket }, chunk) => {
    const reader = readers.get(socket) ?? new RequestReader();
    readers.set(socket, reader);
    for (const request of reader.push(chunk)) {
      const addressed = decodeExecutorCall(request.body, type);
      if (addressed.call.type === "SUBSCRIBE") {
        subscribes.push(receivedSubscribe(request, addressed, socket, type));
        continue;
      }
      const received = { request, addressed, connection: socket };
      calls.push(received);
      const answer = agent.answer(received);
      if (answer !== undefined) socket.write(plainAnswer(...answer));
    }
  });
  const agent: FakeAgent = {
    endpoint: server.endpoint,
    subscribes,
    calls,
    answer: () => [202, ""],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return agent;
}

function receivedSubscribe(
  request: ReceivedRequest,
  addressed: AddressedExecutorCall,
  socket: Socket,
  type: ContentType,
): ExecutorSubscribe {
  const write = (bytes: string | Uint8Array): void => {
    if (!socket.destroyed) socket.write(bytes);
  };
  const sendRecord = (record: Uint8Array): void => {
    const framed = encodeRecord(record);
    write(Buffer.concat([Buffer.from(`${framed.length.toString(16)}\r\n`), framed, Buffer.from("\r\n")]));
  };
  return {
    request,
    addressed,
    accept: () => write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: ${type}\r\n\r\n`),
    refuse: (status, text) => write(plainAnswer(status, text)),
    sendRecord,
    send: (event) => sendRecord(encodeExecutorEvent(event, type)),
    end: () => write("0\r\n\r\n"),
    cut: () => socket.destroy(),
  };
}

function plainAnswer(status: number, text: string): string {
  return `HTTP/1.1 ${status} X\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}
