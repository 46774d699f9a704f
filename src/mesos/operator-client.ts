import { concatBytes, decodeUtf8, showUtf8, utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { basicAuthorization, type Credentials } from "./basic-authorization.ts";
import { OperatorRefusedError, OperatorUnavailableError } from "./errors.ts";
import { formatHostPort, type HostPort, hostPortOf } from "./host-port.ts";
import { HttpConnection } from "./http-connection.ts";
import type { MasterLocator } from "./master-locator.ts";
import {
  type MasterFramework,
  type MasterTask,
  readFrameworks,
  readRecoveredAgents,
  readTasks,
} from "./operator-answers.ts";

export interface OperatorClientOptions {
  readonly masters: MasterLocator;
  readonly credentials?: Credentials;
  readonly clock: Clock;
  /** For each call as a whole, redirects included. Default 15 s. */
  readonly timeoutMs?: number;
  /** A longer answer is given up. Default 256 MiB: a master remembers many ended tasks. */
  readonly maxBytes?: number;
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Uint8Array;
}

const PATH = "/api/v1";
/** During an election two masters can point at each other. */
const MAX_REDIRECTS = 3;

/**
 * Questions to the leading master by its operator API (`POST /api/v1`, in JSON): read only, each on a connection of its
 * own. What is not authorised may be left out of an answer: an empty list proves nothing.
 *
 * Every call throws {@link OperatorRefusedError} where asking again would not help; any other error may pass.
 */
export class OperatorClient {
  readonly #options: OperatorClientOptions;

  constructor(options: OperatorClientOptions) {
    this.#options = options;
  }

  async frameworks(options: { readonly signal: AbortSignal }): Promise<readonly MasterFramework[]> {
    return readFrameworks(await this.#ask("GET_FRAMEWORKS", options.signal));
  }

  async tasks(options: { readonly signal: AbortSignal }): Promise<readonly MasterTask[]> {
    return readTasks(await this.#ask("GET_TASKS", options.signal));
  }

  async recoveredAgents(options: { readonly signal: AbortSignal }): Promise<number> {
    return readRecoveredAgents(await this.#ask("GET_AGENTS", options.signal));
  }

  async #ask(type: string, signal: AbortSignal): Promise<unknown> {
    const { masters, clock, timeoutMs = 15_000 } = this.#options;
    const late = new AbortController();
    const cancel = clock.schedule(timeoutMs, () => {
      late.abort(new OperatorUnavailableError(`Cannot ask the master ${type}: no answer after ${timeoutMs} ms`));
    });
    const either = AbortSignal.any([signal, late.signal]);
    try {
      for (let redirects = 0; ; redirects++) {
        const master = await masters.current({ signal: either });
        const answer = await this.#post(type, master, either);
        const leader = answer.status === 307 ? hostPortOf(answer.location) : undefined;
        if (leader === undefined || redirects >= MAX_REDIRECTS) return this.#read(type, master, answer);
        masters.redirected(leader);
      }
    } finally {
      cancel();
    }
  }

  #read(type: string, master: HostPort, { status, body }: Answer): unknown {
    if (status !== 200) {
      if (!mayPass(status)) throw new OperatorRefusedError(type, status, showUtf8(body.subarray(0, 500)));
      this.#options.masters.failed(master);
      throw new OperatorUnavailableError(`Cannot ask ${formatHostPort(master)} ${type}: the answer is ${status}`);
    }
    try {
      return JSON.parse(decodeUtf8(body) ?? "");
    } catch (cause) {
      throw new OperatorUnavailableError(`Cannot read the answer of ${formatHostPort(master)} to ${type}: no JSON`, {
        cause,
      });
    }
  }

  async #post(type: string, master: HostPort, signal: AbortSignal): Promise<Answer> {
    const { clock, credentials, masters, maxBytes = 256 * 1024 * 1024 } = this.#options;
    const connection = new HttpConnection({ endpoint: master, clock });
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    let head: Pick<Answer, "status" | "location"> = { status: 0, location: undefined };
    const parts: Uint8Array[] = [];
    let bytes = 0;
    const json = { "Content-Type": "application/json", Accept: "application/json" };
    const headers = { ...json, ...basicAuthorization(credentials) };
    connection.send(
      { method: "POST", path: PATH, headers, body: utf8(JSON.stringify({ type })) },
      {
        head: ({ status, headers: received }) => {
          head = { status, location: received.get("location") };
        },
        data: (part) => {
          bytes += part.byteLength;
          if (bytes <= maxBytes) parts.push(part);
          else reject(new OperatorRefusedError(type, head.status, `more than ${maxBytes} bytes`));
        },
        end: () => resolve({ ...head, body: concatBytes(parts) }),
        failed: reject,
      },
    );
    connection.open();
    if (signal.aborted) onAbort();
    try {
      return await promise;
    } catch (error) {
      if (!signal.aborted) masters.failed(master);
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      connection.close();
    }
  }
}

/** 307 without an end, 404 of a master that boots, 503 of one that recovers or knows no leader. */
function mayPass(status: number): boolean {
  return status === 307 || status === 404 || status === 408 || status === 429 || (status >= 500 && status !== 501);
}
