import { createHash, timingSafeEqual } from "node:crypto";

/** Users with their passwords. */
export type SaslUsers = ReadonlyMap<string, string>;

export type PlainVerdict =
  | { readonly type: "accepted"; readonly user: string }
  /** The reason is for the client too, so it does not tell which of user and password was wrong. */
  | { readonly type: "refused"; readonly reason: string };

/**
 * Checks what a client says of itself by SASL's mechanism PLAIN (RFC 4616): `[authzid] NUL user NUL password`, in UTF-8.
 * The reasons are those of a real broker.
 */
export function checkPlain(token: Uint8Array, users: SaslUsers): PlainVerdict {
  const parts = Buffer.from(token.buffer, token.byteOffset, token.byteLength).toString("utf8").split("\0");
  const [authorizationId = "", user = "", password = ""] = parts;
  if (parts.length !== 3) {
    return refused(`Invalid SASL/PLAIN response: expected 3 tokens, got ${Math.min(parts.length, 4)}`);
  }
  if (user === "") return refused("Authentication failed: username not specified");
  if (password === "") return refused("Authentication failed: password not specified");
  const known = users.get(user);
  // Compared also where there is no such user, so that the time tells nothing.
  const isRight = isSame(password, known ?? "");
  if (known === undefined || !isRight) return refused("Authentication failed: Invalid username or password");
  if (authorizationId !== "" && authorizationId !== user) {
    return refused("Authentication failed: Client requested an authorization id that is different from username");
  }
  return { type: "accepted", user };
}

function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function refused(reason: string): PlainVerdict {
  return { type: "refused", reason };
}
