import type { Broker } from "../broker.ts";
import type { SaslSession } from "../sasl/sasl-session.ts";

export interface RequestContext {
  /** Of the request. */
  readonly version: number;
  /** Empty where the client gives none. */
  readonly clientId: string;
  /** Address of the client, as brokers show it: `/127.0.0.1`. */
  readonly clientHost: string;
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal;
  /** Of the connection. */
  readonly sasl: SaslSession;
}

/** The request wants no answer (Produce with acks 0). */
export const noAnswer: unique symbol = Symbol("no answer");

/** Answers one kind of request. What the protocol can tell the client is in the answer; only the rest is thrown. */
export type Handler<Request, Response> = (
  broker: Broker,
  request: Request,
  context: RequestContext,
) => Response | typeof noAnswer | Promise<Response | typeof noAnswer>;
