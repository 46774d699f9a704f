import { Reader } from "../../../src/kafka/protocol/reader.ts";
import { Writer } from "../../../src/kafka/protocol/writer.ts";
import { apiVersions } from "../../../src/local/kafka/messages/api-versions.ts";
import type { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";
import { FrameSplitter } from "../../../src/local/kafka/protocol/frame-splitter.ts";
import type { MessageVersions } from "../../../src/local/kafka/protocol/message.ts";
import { decodeClientId, decodeRequestStart } from "../../../src/local/kafka/protocol/request-header.ts";
import { startTcpServer, type TcpServer } from "../../support/tcp-server.ts";

export interface AskedRequest {
  readonly apiKey: number;
  readonly version: number;
  /** Stands before the body. */
  readonly reader: Reader;
}

/** Writes the body of the answer. */
export type AnswerTo = (request: AskedRequest, writer: Writer, at: TcpServer["endpoint"]) => void;

const NONE: ErrorCode = 0;

/** A broker that tells which requests it serves, and answers those as the test says. */
export async function startAnsweringBroker(served: readonly MessageVersions[], answerTo: AnswerTo): Promise<TcpServer> {
  const splitters = new WeakMap<object, FrameSplitter>();
  const server = await startTcpServer((from, chunk) => {
    const { socket } = from;
    let splitter = splitters.get(from);
    if (splitter === undefined) {
      splitter = new FrameSplitter({ maxBytes: () => 10_000_000, headBytes: 4, headProblem: () => undefined });
      splitters.set(from, splitter);
    }
    for (const frame of splitter.push(chunk)) socket.write(answer(new Reader(frame)));
  });

  function answer(reader: Reader): Uint8Array {
    const { apiKey, apiVersion: version, correlationId } = decodeRequestStart(reader);
    decodeClientId(reader, false);
    const writer = new Writer();
    writer.int32(0);
    writer.int32(correlationId);
    if (apiKey === apiVersions.apiKey) {
      const apis = [{ ...apiVersions, maxVersion: 2 }, ...served];
      apiVersions.encodeResponse(writer, { errorCode: NONE, apis }, version);
    } else {
      answerTo({ apiKey, version, reader }, writer, server.endpoint);
    }
    writer.patchInt32(0, writer.length - 4);
    return writer.finish();
  }
  return server;
}
