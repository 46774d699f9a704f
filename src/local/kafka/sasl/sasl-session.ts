import { noBytes } from "../../../base/bytes.ts";
import { apiVersions } from "../messages/api-versions.ts";
import {
  type SaslAuthenticateResponse,
  type SaslHandshakeResponse,
  saslAuthenticate,
  saslHandshake,
} from "../messages/sasl.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import { checkPlain, type SaslUsers } from "./plain.ts";

const PLAIN = "PLAIN";

type State =
  /** The broker has no users: everybody is served. */
  | { readonly type: "open" }
  | { readonly type: "strange" }
  /** The client says next who it is: in a request, or (`bare`) without one around it. */
  | { readonly type: "introduced"; readonly bare: boolean }
  | { readonly type: "authenticated"; readonly user: string }
  | { readonly type: "failed" };

/** Who is at the other end of a connection, as far as it has shown that. */
export class SaslSession {
  readonly #users: SaslUsers;
  #state: State;

  /** @param users undefined where the broker has none */
  constructor(users: SaslUsers | undefined) {
    this.#users = users ?? new Map();
    this.#state = users === undefined ? { type: "open" } : { type: "strange" };
  }

  /** Whether the next frame is what the client says of itself, and no request. */
  get expectsToken(): boolean {
    return this.#state.type === "introduced" && this.#state.bare;
  }

  /** Whether the connection is of no more use once the answer is sent. */
  get hasFailed(): boolean {
    return this.#state.type === "failed";
  }

  /** Whether it is known who is asking, or does not matter. */
  get isTrusted(): boolean {
    return this.#state.type === "open" || this.#state.type === "authenticated";
  }

  /** Whether the request is served now: of a stranger only what it needs to show who it is. */
  mayAsk(apiKey: number): boolean {
    if (this.isTrusted || apiKey === apiVersions.apiKey || apiKey === saslHandshake.apiKey) return true;
    return apiKey === saslAuthenticate.apiKey && this.#state.type === "introduced";
  }

  handshake(mechanism: string, version: number): SaslHandshakeResponse {
    if (this.#state.type === "open") return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] };
    if (this.#state.type !== "strange") return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [PLAIN] };
    if (mechanism !== PLAIN) {
      this.#state = { type: "failed" };
      return { errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM, mechanisms: [PLAIN] };
    }
    this.#state = { type: "introduced", bare: version === 0 };
    return { errorCode: ErrorCode.NONE, mechanisms: [PLAIN] };
  }

  authenticate(token: Uint8Array): SaslAuthenticateResponse {
    if (this.#state.type !== "introduced") {
      const errorMessage = "SaslAuthenticate request received after successful authentication";
      return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, errorMessage, authBytes: noBytes };
    }
    const verdict = checkPlain(token, this.#users);
    if (verdict.type === "accepted") {
      this.#state = { type: "authenticated", user: verdict.user };
      return { errorCode: ErrorCode.NONE, errorMessage: null, authBytes: noBytes };
    }
    this.#state = { type: "failed" };
    return { errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage: verdict.reason, authBytes: noBytes };
  }
}
