import { type ClientResponse, hc } from "hono/client";
import type { Api } from "../api/api.ts";
import type { ProblemDetails } from "../api/problem-details.ts";
import { BrigadeError, describeError, errorCode, InputError } from "../base/errors.ts";
import type { CliIo } from "./command.ts";

const DEFAULT_API = "http://127.0.0.1:7000";
const TIMEOUT_MS = 10_000;

export const apiOption = `  --api URL    the scheduler's API (default: $BRIGADE_API, or ${DEFAULT_API})`;

/** The scheduler does not answer: not running, elsewhere, or hung. */
export class ApiUnreachableError extends BrigadeError {
  override readonly name = "ApiUnreachableError";
  readonly code = "api-unreachable";
  readonly fault = "infrastructure";
}

/** The scheduler answered with a problem. */
export class ApiRefusedError extends BrigadeError {
  override readonly name = "ApiRefusedError";
  readonly code = "api-refused";
  readonly fault = "input";
}

/**
 * A client of a running scheduler, typed by the scheduler's own routes.
 *
 * @param url of `--api`
 * @throws {InputError} the URL is none
 */
export function apiClient(url: string | undefined, io: Pick<CliIo, "env" | "signal">) {
  const base = url ?? io.env["BRIGADE_API"] ?? DEFAULT_API;
  if (!URL.canParse(base)) throw new InputError(`Cannot use API address ${base}, must be a URL such as ${DEFAULT_API}`);
  return hc<Api>(base, {
    async fetch(input: Parameters<typeof fetch>[0], init?: RequestInit) {
      try {
        return await fetch(input, { ...init, signal: AbortSignal.any([io.signal, AbortSignal.timeout(TIMEOUT_MS)]) });
      } catch (cause) {
        io.signal.throwIfAborted();
        const why = errorCode(cause) ?? describeError(cause);
        throw new ApiUnreachableError(`Cannot reach a scheduler at ${base} (${why}), must run there: see --api URL`);
      }
    },
  });
}

/**
 * The body of a good answer.
 *
 * @throws {ApiRefusedError} with the scheduler's own words
 */
export async function answerOf<T>(response: ClientResponse<T, number, "json">): Promise<T> {
  if (response.ok) return await response.json();
  const text = await response.text();
  throw new ApiRefusedError(problemDetail(text) ?? `The scheduler answered ${response.status}: ${text}`);
}

function problemDetail(text: string): string | undefined {
  try {
    return (JSON.parse(text) as Partial<ProblemDetails> | null)?.detail;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
