import { BrigadeError, errorCode } from "../base/errors.ts";
import type { HostPort } from "../config/settings.ts";
import type { Api } from "./api.ts";

/** The API's address is taken, forbidden, or not ours. */
export class ApiAddressError extends BrigadeError {
  override readonly name = "ApiAddressError";
  readonly code = "api-address";
  readonly fault = "input";
}

export interface ServedApi {
  /** With the real port where 0 was asked for. */
  readonly address: HostPort;
  /** Takes no more requests and waits for those under way. Idempotent. */
  close(): Promise<void>;
}

/** @throws {ApiAddressError} */
export function serveApi(api: Pick<Api, "fetch">, { host, port }: HostPort): ServedApi {
  try {
    const server = Bun.serve({ hostname: host, port, fetch: (request) => api.fetch(request) });
    return { address: { host, port: server.port ?? port }, close: () => server.stop() };
  } catch (cause) {
    const why = errorCode(cause) === "EADDRINUSE" ? "it is in use" : "it cannot be opened";
    throw new ApiAddressError(`Cannot serve the API on ${host}:${port}: ${why}, must be free`, { cause });
  }
}
