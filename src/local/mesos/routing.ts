import { utf8 } from "../../base/bytes.ts";
import type { PlainAnswer } from "./http/answer.ts";
import type { HttpRequest } from "./http/request-parser.ts";
import { writeOldJson } from "./views/old-json.ts";

/** A path without the process in front, which one may leave out. A trailing slash is ignored. */
export function withoutProcess(path: string, processName: string): string {
  const trimmed = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  return trimmed.startsWith(`/${processName}/`) ? trimmed.slice(processName.length + 1) : trimmed;
}

export function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

/** With the query parameter `jsonp=f` as a call of `f`. */
export function oldJsonAnswer({ query }: HttpRequest, value: unknown): PlainAnswer {
  const json = writeOldJson(value);
  const asked = query.get("jsonp");
  const callback = asked !== null && /^[\w.$]+$/.test(asked) ? asked : null;
  const headers = { "Content-Type": callback === null ? "application/json" : "text/javascript" };
  return { type: "plain", status: 200, headers, body: utf8(callback === null ? json : `${callback}(${json});`) };
}
