import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** The body of every error: `application/problem+json` (RFC 9457). */
export interface ProblemDetails {
  /** Short and the same for each error of a kind. */
  readonly title: string;
  readonly status: number;
  /** What is wrong this time, for people. */
  readonly detail: string;
}

export function problem(c: Context, status: ContentfulStatusCode, title: string, detail: string): Response {
  const details: ProblemDetails = { title, status, detail };
  return c.body(JSON.stringify(details), status, { "content-type": "application/problem+json" });
}
