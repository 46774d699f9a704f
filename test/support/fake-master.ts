import type { Socket } from "node:net";
import { type ContentType, decodeSchedulerCall, encodeSchedulerEvent } from "../../src/mesos/codec.ts";
import type { HostPort } from "../../src/mesos/host-port.ts";
import { encodeRecord } from "../../src/mesos/recordio.ts";
import type { SchedulerCall, SchedulerEvent } from "../../src/mesos/scheduler-api.ts";
import { type ReceivedRequest, RequestReader } from "./http-requests.ts";
import { startTcpServer } from "./tcp-server.ts";

export interface PlainAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

/** A SUBSCRIBE that came, and the stream that answers it. */
export interface ReceivedSubscribe {
  readonly request: ReceivedRequest;
  /** Accepts it. */
  accept(streamId: string | undefined): void;
  /** Refuses it with a plain answer. */
  refuse(answer: PlainAnswer): void;
  sendRecord(record: Uint8Array): void;
  send(event: SchedulerEvent): void;
  sendRaw(text: string): void;
  /** Ends the stream in order. */
  end(): void;
  /** Cuts the connection. */
  cut(): void;
  readonly isOpen: boolean;
  /** Accepted or refused. */
  readonly isAnswered: boolean;
}

/** A call that came behind SUBSCRIBE, decoded. */
export interface ReceivedCall {
  readonly request: ReceivedRequest;
  readonly call: SchedulerCall;
  readonly connection: Socket;
}

/** The wire of a master without any of its mind: what it answers is the test's doing. */
export interface FakeMaster extends AsyncDisposable {
  readonly endpoint: HostPort;
  readonly subscribes: readonly ReceivedSubscribe[];
  readonly calls: readonly ReceivedCall[];
  /** The answer to each call from now on; undefined: none. Default 202. */
  answer: (call: ReceivedCall) => PlainAnswer | undefined;
}

export async function startFakeMaster(type: ContentType = "application/x-protobuf"): Promise<FakeMaster> {
  const subscribes: ReceivedSubscribe[] = [];
  const calls: ReceivedCall[] = [];
  const readers = new WeakMap<Socket, RequestReader>();
  const server = await startTcpServer(({ socket }, chunk) => {
    const reader = readers.get(socket) ?? new RequestReader();
    readers.set(socket, reader);
    for (const request of reader.push(chunk)) {
      const { call } = decodeSchedulerCall(request.body, type);
      if (call.type === "SUBSCRIBE") {
        subscribes.push(receivedSubscribe(request, socket, type));
        continue;
      }
      const received = { request, call, connection: socket };
      calls.push(received);
      const answer = master.answer(received);
      if (answer !== undefined) socket.write(plainAnswer(answer));
    }
  });
  const master: FakeMaster = {
    endpoint: server.endpoint,
    subscribes,
    calls,
    answer: () => ({ status: 202 }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return master;
}

function receivedSubscribe(request: ReceivedRequest, socket: Socket, type: ContentType): ReceivedSubscribe {
  const write = (bytes: string | Uint8Array): void => {
    if (!socket.destroyed) socket.write(bytes);
  };
  const sendRecord = (record: Uint8Array): void => {
    const framed = encodeRecord(record);
    write(Buffer.concat([Buffer.from(`${framed.length.toString(16)}\r\n`), framed, Buffer.from("\r\n")]));
  };
  let isAnswered = false;
  return {
    request,
    accept(streamId) {
      isAnswered = true;
      const id = streamId === undefined ? "" : `Mesos-Stream-Id: ${streamId}\r\n`;
      write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${id}Content-Type: ${type}\r\n\r\n`);
    },
    refuse(answer) {
      isAnswered = true;
      write(plainAnswer(answer));
    },
    sendRecord,
    send: (event) => sendRecord(encodeSchedulerEvent(event, type)),
    sendRaw: write,
    end: () => write("0\r\n\r\n"),
    cut: () => socket.destroy(),
    get isAnswered() {
      return isAnswered;
    },
    get isOpen() {
      return !socket.destroyed && socket.readyState === "open";
    },
  };
}

function plainAnswer({ status, headers = {}, text = "" }: PlainAnswer): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join("")}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}
