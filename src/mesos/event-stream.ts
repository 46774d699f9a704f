import { showUtf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { CodecError, type ContentType } from "./codec.ts";
import { ConnectionLostError, type HttpProtocolError } from "./errors.ts";
import type { HostPort } from "./host-port.ts";
import { HttpConnection } from "./http-connection.ts";
import type { HttpResponseHead } from "./http-response-parser.ts";
import { FramingError, RecordIoDecoder } from "./recordio.ts";

/** How a stream can end, from this side's view. */
export type StreamError = ConnectionLostError | HttpProtocolError | FramingError | CodecError;

export interface EventStreamHandlers {
  /** The head of the answer; of a refusal the whole answer, with its text. */
  answered(head: HttpResponseHead, text: string): void;
  /** One record, valid during this call. @throws {CodecError} it cannot be read */
  record(bytes: Uint8Array): void;
  /** It was passed over: to subscribe anew would only bring it again. */
  unreadable(error: CodecError): void;
  /** Nothing follows. `orderly` is an end that the server made: with a connection that broke it is false. */
  closed(error: StreamError, orderly: boolean): void;
}

export interface EventStreamOptions {
  readonly endpoint: HostPort;
  readonly path: string;
  readonly contentType: ContentType;
  /** Besides Content-Type and Accept. */
  readonly headers: Readonly<Record<string, string>>;
  /** The SUBSCRIBE call. */
  readonly body: Uint8Array;
  readonly clock: Clock;
  readonly maxRecordBytes?: number;
}

/** Bytes of a refusal that are kept: Mesos' are a sentence. */
const MAX_REFUSAL_BYTES = 16 * 1024;

/** So many in a row that cannot be read come from no Mesos. */
const MAX_UNREADABLE = 10;

/** A SUBSCRIBE and what comes of it, on a connection of its own: the answer occupies that for ever. */
export class EventStream {
  readonly #connection: HttpConnection;
  readonly #options: EventStreamOptions;
  readonly #handlers: EventStreamHandlers;
  readonly #records: RecordIoDecoder;
  #head: HttpResponseHead | undefined;
  #refusal = "";
  #unreadable = 0;
  #closed = false;

  constructor(options: EventStreamOptions, handlers: EventStreamHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#connection = new HttpConnection({ endpoint: options.endpoint, clock: options.clock });
    this.#records = new RecordIoDecoder(options.maxRecordBytes);
  }

  open(): void {
    const { path, contentType, headers, body } = this.#options;
    const request = {
      method: "POST",
      path,
      headers: { "Content-Type": contentType, Accept: contentType, ...headers },
      body,
    } as const;
    this.#connection.open();
    this.#connection.send(request, {
      head: (head) => this.#onHead(head),
      data: (data) => this.#onData(data),
      endless: true,
      end: () => this.#onEnd(),
      failed: (error) => this.#finish(error, false),
    });
  }

  /** Closes without a word to the handlers. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#connection.close();
  }

  #onHead(head: HttpResponseHead): void {
    this.#head = head;
    if (head.status === 200) this.#handlers.answered(head, "");
  }

  #onData(data: Uint8Array): void {
    if (this.#head?.status !== 200) {
      this.#refusal += showUtf8(data.subarray(0, MAX_REFUSAL_BYTES - this.#refusal.length));
      return;
    }
    let records: Uint8Array[];
    try {
      records = this.#records.push(data);
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      this.#finish(error, false);
      return;
    }
    for (const record of records) {
      if (this.#closed) return;
      this.#read(record);
    }
  }

  #read(record: Uint8Array): void {
    try {
      this.#handlers.record(record);
      this.#unreadable = 0;
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      if (++this.#unreadable > MAX_UNREADABLE) this.#finish(error, false);
      else this.#handlers.unreadable(error);
    }
  }

  #onEnd(): void {
    if (this.#closed) return;
    if (this.#head !== undefined && this.#head.status !== 200) this.#handlers.answered(this.#head, this.#refusal);
    this.#finish(new ConnectionLostError("Cannot go on with the subscription: the server ended its stream"), true);
  }

  #finish(error: StreamError, orderly: boolean): void {
    if (this.#closed) return;
    this.close();
    this.#handlers.closed(error, orderly);
  }
}
