import { timingSafeEqual } from "node:crypto";
import type { PlainAnswer } from "./answer.ts";
import { textAnswer } from "./answer.ts";
import type { HttpRequest } from "./request-parser.ts";

/** Secrets by principal. */
export type Credentials = ReadonlyMap<string, string>;

/** Who sent a request, by HTTP basic authentication; undefined where that is not one of those known. */
export function authenticated({ headers }: HttpRequest, credentials: Credentials): string | undefined {
  // The word is compared as it is, and one blank follows: as by Mesos.
  const [scheme, encoded, ...rest] = (headers.get("authorization") ?? "").split(" ");
  if (scheme !== "Basic" || encoded === undefined || rest.length > 0) return undefined;
  const [principal = "", secret = "", ...colons] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  const known = credentials.get(principal);
  if (known === undefined || colons.length > 0 || !equal(known, secret)) return undefined;
  return principal;
}

/** @param realm `mesos-master-scheduler` */
export function unauthorized(realm: string): PlainAnswer {
  return textAnswer(401, undefined, { "WWW-Authenticate": `Basic realm="${realm}"` });
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
