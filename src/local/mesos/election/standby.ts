import type { MasterInfo } from "../../../mesos/types.ts";
import { emptyAnswer, type HttpAnswer, jsonAnswer, textAnswer } from "../http/answer.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import { versionView } from "../master/master-view.ts";

/**
 * What a master answers that does not lead: who does, in all that only that one can answer.
 *
 * The Location has no scheme, and the path gains `/master`, as with a real one (test/recordings/20-leader.ndjson).
 */
export function standbyAnswer(
  { path, query }: Pick<HttpRequest, "path" | "query">,
  leader: MasterInfo | undefined,
): HttpAnswer {
  const own = path.startsWith("/master/") ? path.slice("/master".length) : path;
  if (own === "/health") return emptyAnswer(200);
  if (own === "/version") return jsonAnswer(versionView());
  if (leader === undefined) return textAnswer(503, "No leader elected");
  const base = `//${leader.hostname ?? leader.address?.hostname ?? leader.address?.ip ?? ""}:${leader.port}`;
  // Decoded it could hold anything, line ends among it.
  const rest = `/master${encodeURI(own)}${query.size === 0 ? "" : `?${query.toString()}`}`;
  return { ...emptyAnswer(307), headers: { Location: own === "/redirect" ? base : `${base}${rest}` } };
}
