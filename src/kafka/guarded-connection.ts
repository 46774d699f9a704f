import type { Socket } from "node:net";
import { describeError } from "../base/errors.ts";
import { AnswerGuard } from "./answer-guard.ts";
import { ProtocolError } from "./protocol/errors.ts";

/** The part of kafkajs 2.2.4's Connection that is guarded here (src/network/connection.js). */
interface Connection {
  readonly socket: Socket;
  /** While it authenticates as brokers before Kafka 1.0 want it: what comes then are no answers. */
  readonly authHandlers: unknown;
  readonly authExpectResponse: boolean;
  processData: (this: Connection, chunk: Buffer) => void;
}

/** Of each thread: modules are others in a Worker. */
let guarded = false;

/**
 * Makes kafkajs end a connection on which a broker sends what are no answers, with a {@link ProtocolError} as the
 * socket's error: it fails what waits for answers then. Left alone it throws within the socket, which ends the process.
 */
export function guardConnections(): void {
  if (guarded) return;
  guarded = true;
  const { prototype } = connectionClass();
  const process = prototype.processData;
  const guards = new WeakMap<Socket, AnswerGuard>();
  prototype.processData = function (this: Connection, chunk: Buffer): void {
    const guard = guards.get(this.socket) ?? new AnswerGuard();
    guards.set(this.socket, guard);
    const areAnswers = this.authHandlers === null || this.authExpectResponse;
    const problem = areAnswers ? guard.problem(chunk) : undefined;
    if (problem !== undefined) {
      this.socket.destroy(new ProtocolError(`Cannot read the broker's answer: ${problem}`));
      return;
    }
    try {
      process.call(this, chunk);
    } catch (cause) {
      this.socket.destroy(new ProtocolError(`Cannot read the broker's answer: ${describeError(cause)}`, { cause }));
    }
  };
}

function connectionClass(): { prototype: Connection } {
  return require("kafkajs/src/network/connection") as { prototype: Connection };
}
