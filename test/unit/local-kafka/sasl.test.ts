import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";
import { checkPlain } from "../../../src/local/kafka/sasl/plain.ts";
import { SaslSession } from "../../../src/local/kafka/sasl/sasl-session.ts";

const users = new Map([
  ["alice", "secret"],
  ["bob", ""],
]);
const METADATA = 3;
const AUTHENTICATE = 36;

describe("what a client says of itself", () => {
  test.each(["\0alice\0secret", "alice\0alice\0secret"])("is accepted: %p", (token) => {
    expect(checkPlain(utf8(token), users)).toEqual({ type: "accepted", user: "alice" });
  });

  test.each([
    ["\0alice\0wrong", "Invalid username or password"],
    ["\0nobody\0secret", "Invalid username or password"],
    ["\0nobody\0", "password not specified"],
    ["\0bob\0", "password not specified"],
    ["\0\0secret", "username not specified"],
    ["bob\0alice\0secret", "different from username"],
    ["alice\0secret", "expected 3 tokens, got 2"],
    ["\0alice\0secret\0", "expected 3 tokens, got 4"],
    ["", "expected 3 tokens, got 1"],
  ])("is refused: %p", (token, reason) => {
    expect(checkPlain(utf8(token), users)).toEqual({ type: "refused", reason: expect.stringContaining(reason) });
  });
});

describe("a connection to a broker with users", () => {
  test("may ask for nothing but a way in until it is authenticated", () => {
    const session = new SaslSession(users);
    expect([METADATA, AUTHENTICATE, 17, 18].map((key) => session.mayAsk(key))).toEqual([false, false, true, true]);
    session.handshake("PLAIN", 1);
    expect([METADATA, AUTHENTICATE].map((key) => session.mayAsk(key))).toEqual([false, true]);
    session.authenticate(utf8("\0alice\0secret"));
    expect([METADATA, AUTHENTICATE].map((key) => session.mayAsk(key))).toEqual([true, true]);
    expect(session.authenticate(utf8("\0alice\0secret")).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
    expect(session.handshake("PLAIN", 1).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
    expect(session.hasFailed).toBeFalse();
  });

  test("has one try", () => {
    const session = new SaslSession(users);
    session.handshake("PLAIN", 1);
    expect(session.authenticate(utf8("\0alice\0wrong")).errorCode).toBe(ErrorCode.SASL_AUTHENTICATION_FAILED);
    expect(session.hasFailed).toBeTrue();
    expect(session.mayAsk(METADATA)).toBeFalse();
    expect(session.handshake("PLAIN", 1).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
  });

  test("sends its token without a request around it after the first version of the handshake", () => {
    const session = new SaslSession(users);
    session.handshake("PLAIN", 0);
    expect(session.expectsToken).toBeTrue();
    session.authenticate(utf8("\0alice\0secret"));
    expect([session.expectsToken, session.isTrusted]).toEqual([false, true]);
  });
});

test("a connection to a broker without users may ask for everything at once", () => {
  const session = new SaslSession(undefined);
  expect([session.isTrusted, session.mayAsk(METADATA)]).toEqual([true, true]);
  expect(session.handshake("PLAIN", 1).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
});
