import { noBytes, utf8 } from "../../../base/bytes.ts";

/** An answer that is complete at once. */
export interface PlainAnswer {
  readonly type: "plain";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** An answer that goes on: status 200 and chunks until either side ends it. */
export interface StreamAnswer {
  readonly type: "stream";
  readonly headers: Readonly<Record<string, string>>;
  /** Called once, before anything else is read from the connection. */
  readonly open: (stream: HttpStream) => void;
  /** The connection has gone; not called after {@link HttpStream.end}. */
  readonly closed: () => void;
}

/** A file as it is now, sent as its reader takes it; the connection ends with it. */
export interface FileAnswer {
  readonly type: "file";
  readonly path: string;
  readonly size: number;
  readonly headers: Readonly<Record<string, string>>;
}

export type HttpAnswer = PlainAnswer | StreamAnswer | FileAnswer;

export interface HttpStream {
  /** One chunk. Those of one turn of the event loop leave in one write. */
  write(chunk: Uint8Array): void;
  /** Sends the last chunk, which is an orderly end, and then closes the connection. */
  end(): void;
}

const reasons: Readonly<Record<number, string>> = {
  100: "Continue",
  200: "OK",
  202: "Accepted",
  307: "Temporary Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  413: "Payload Too Large",
  415: "Unsupported Media Type",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

export function reasonPhrase(status: number): string {
  return reasons[status] ?? "Unknown";
}

/** 200 or 202 without a body, and without a content type. */
export function emptyAnswer(status: number): PlainAnswer {
  return { type: "plain", status, headers: {}, body: noBytes };
}

/** An error; without a text of its own it gets the status line with a full stop, as Mesos gives it. */
export function textAnswer(status: number, text?: string, headers: Readonly<Record<string, string>> = {}): PlainAnswer {
  return {
    type: "plain",
    status,
    headers: { ...headers, "Content-Type": "text/plain; charset=utf-8" },
    body: utf8(text ?? `${status} ${reasonPhrase(status)}.`),
  };
}

export function jsonAnswer(value: unknown): PlainAnswer {
  return {
    type: "plain",
    status: 200,
    headers: { "Content-Type": "application/json" },
    body: utf8(JSON.stringify(value)),
  };
}

export function wrongMethod(received: string, allowed: string): PlainAnswer {
  const text = `405 Method Not Allowed. Expecting one of { '${allowed}' }, but received '${received}'.`;
  return textAnswer(405, text, { Allow: allowed });
}
