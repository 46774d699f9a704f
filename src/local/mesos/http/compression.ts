import { gzipSync } from "node:zlib";
import type { PlainAnswer } from "./answer.ts";
import type { HttpRequest } from "./request-parser.ts";

/** Shorter answers are not worth it, for Mesos as well. */
const SHORTEST_BYTES = 1024;

/** The answer as its client takes it: long ones packed where it can unpack them. */
export function compressed(answer: PlainAnswer, { headers }: HttpRequest): PlainAnswer {
  if (answer.body.byteLength < SHORTEST_BYTES || !acceptsGzip(headers.get("accept-encoding") ?? "")) return answer;
  return { ...answer, headers: { ...answer.headers, "Content-Encoding": "gzip" }, body: gzipSync(answer.body) };
}

function acceptsGzip(accepted: string): boolean {
  const parts = accepted.toLowerCase().split(",");
  const named = (name: string): string | undefined => parts.find((part) => part.split(";", 1)[0]?.trim() === name);
  const chosen = named("gzip") ?? named("*");
  return chosen !== undefined && !/;\s*q=0(\.0*)?\s*$/.test(chosen);
}
