import { concatBytes, showUtf8 } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import type { EngineAddress } from "./engine-address.ts";
import { parseAnswer, refusalText } from "./engine-answers.ts";
import { type AnswerSink, EngineConnection, type EngineRequest } from "./engine-connection.ts";
import { type EngineLostError, EngineRefusedError } from "./errors.ts";

/** An Engine that starts a hundred containers at once takes its time, and one that hangs must not hold runs for ever. */
const ANSWER_MS = 120_000;
/** Idle connections beyond it are closed. */
const MAX_IDLE = 32;
/** More than any answer that is read as a whole: a list of some thousand containers. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface CallOptions {
  /** From the request to the whole answer; null waits for as long as the connection lives. Default 2 minutes. */
  readonly deadlineMs?: number | null;
  /** Connects anew, although another connection is idle. */
  readonly connect?: boolean;
}

export interface StreamOptions {
  readonly onData: (chunk: Uint8Array) => void;
  /** From the request to the head of the answer. Default 2 minutes. */
  readonly deadlineMs?: number;
}

/** An answer that goes on, on a connection of its own. */
export interface EngineStream {
  /** Resolves with how it ended: by the Engine, or broken off, by {@link close} too. Never rejects. */
  readonly end: Promise<"ended" | EngineLostError>;
  /** Sends bytes that the Engine reads from this connection. */
  write(bytes: Uint8Array): void;
  /** Sends the last of them. */
  finishWith(bytes: Uint8Array): void;
  /** Idempotent. */
  close(): void;
  /** Closes one that has been silent for too long. @param why for the error that `end` then is */
  giveUp(why: string): void;
}

/** Calls of the Docker Engine API. Connections are kept and used again. */
export class EngineClient {
  readonly #address: EngineAddress;
  readonly #clock: Clock;
  readonly #open = new Set<EngineConnection>();
  readonly #idle: EngineConnection[] = [];

  constructor(address: EngineAddress, clock: Clock) {
    this.#address = address;
    this.#clock = clock;
  }

  /**
   * @returns what the answer's JSON says; null where it is none
   * @throws {EngineRefusedError} the Engine said no
   * @throws {EngineLostError} there is no answer
   */
  async call(request: EngineRequest, { deadlineMs = ANSWER_MS, connect = false }: CallOptions = {}): Promise<unknown> {
    const connection = (connect ? undefined : this.#takeIdle()) ?? this.#connect();
    const cancel =
      deadlineMs === null
        ? undefined
        : this.#clock.schedule(deadlineMs, () => connection.giveUp(`no answer for ${deadlineMs / 1000} s`));
    try {
      const { status, isJson, text } = await readAnswer(connection, request);
      if (status >= 400) throw new EngineRefusedError(request.action, status, refusalText(text));
      return isJson ? parseAnswer(text, request.action) : null;
    } finally {
      cancel?.();
      this.#putBack(connection);
    }
  }

  /**
   * Resolves with the head of the answer.
   *
   * @throws {EngineRefusedError} the Engine said no
   * @throws {EngineLostError} there is no answer
   */
  async stream(request: EngineRequest, options: StreamOptions): Promise<EngineStream> {
    const { onData, deadlineMs = ANSWER_MS } = options;
    const connection = this.#connect();
    const cancel = this.#clock.schedule(deadlineMs, () => connection.giveUp(`no answer for ${deadlineMs / 1000} s`));
    const headed = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<"ended" | EngineLostError>();
    let refused: { readonly status: number; readonly body: WholeBody } | undefined;
    connection.send(request, {
      head({ status }) {
        cancel();
        if (status >= 400) refused = { status, body: new WholeBody(connection) };
        else headed.resolve();
      },
      data: (chunk) => (refused === undefined ? onData(chunk) : refused.body.append(chunk)),
      end() {
        if (refused !== undefined) {
          const reason = refusalText(refused.body.text);
          headed.reject(new EngineRefusedError(request.action, refused.status, reason));
        }
        connection.close();
        ended.resolve("ended");
      },
      failed(error) {
        cancel();
        headed.reject(error);
        ended.resolve(error);
      },
    });
    await headed.promise;
    return {
      end: ended.promise,
      write: (bytes) => connection.write(bytes),
      finishWith(bytes) {
        if (bytes.byteLength > 0) connection.write(bytes);
        connection.endWriting();
      },
      close: () => connection.close(),
      giveUp: (why) => connection.giveUp(why),
    };
  }

  /** Calls and streams that are under way. */
  get busy(): number {
    return this.#open.size - this.#idle.length;
  }

  /** The Engine is there and silent: whatever waits for it fails. @param why "no answer for 30 s" */
  giveUp(why: string): void {
    for (const connection of [...this.#open]) connection.giveUp(why);
  }

  /** Ends whatever is still under way. */
  close(): void {
    for (const connection of [...this.#open]) connection.close();
  }

  #connect(): EngineConnection {
    const connection = new EngineConnection(this.#address, () => {
      this.#open.delete(connection);
      const index = this.#idle.indexOf(connection);
      if (index >= 0) this.#idle.splice(index, 1);
    });
    this.#open.add(connection);
    return connection;
  }

  #takeIdle(): EngineConnection | undefined {
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) if (last.isIdle) return last;
    return undefined;
  }

  #putBack(connection: EngineConnection): void {
    if (connection.isIdle && this.#idle.length < MAX_IDLE) this.#idle.push(connection);
    else connection.close();
  }
}

/** A body that is read as a whole, up to its bound: whatever sends more is no Engine. */
class WholeBody {
  readonly #connection: EngineConnection;
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  constructor(connection: EngineConnection) {
    this.#connection = connection;
  }

  append(chunk: Uint8Array): void {
    this.#length += chunk.byteLength;
    if (this.#length > MAX_ANSWER_BYTES) {
      this.#connection.close(`its answer has more than ${MAX_ANSWER_BYTES} bytes`);
      return;
    }
    this.#parts.push(chunk);
  }

  get text(): string {
    return showUtf8(concatBytes(this.#parts));
  }
}

function readAnswer(
  connection: EngineConnection,
  request: EngineRequest,
): Promise<{ readonly status: number; readonly isJson: boolean; readonly text: string }> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let isJson = false;
    const body = new WholeBody(connection);
    const sink: AnswerSink = {
      head(head) {
        status = head.status;
        isJson = head.headers.get("content-type")?.startsWith("application/json") ?? false;
      },
      data: (chunk) => body.append(chunk),
      end: () => resolve({ status, isJson, text: body.text }),
      failed: reject,
    };
    connection.send(request, sink);
  });
}
