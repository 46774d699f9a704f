import type { MasterInfo } from "../../../mesos/types.ts";
import { emptyAnswer, type HttpAnswer, textAnswer } from "../http/answer.ts";
import { authenticated, type Credentials, unauthorized } from "../http/authentication.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import { linkPath } from "../link/link-paths.ts";
import { isMasterPath, redirect } from "../master/master-routes.ts";
import { isBelow, oldJsonAnswer, withoutProcess } from "../routing.ts";
import { versionView } from "../views/version.ts";

/**
 * What a master answers that does not lead: who does, in all that only that one can answer.
 *
 * The Location has no scheme, and the path gains `/master`, as with a real one (test/recordings/20-leader.ndjson).
 *
 * @param leader undefined: none is known
 */
export function standbyAnswer(
  request: HttpRequest,
  leader: MasterInfo | undefined,
  { credentials }: { readonly credentials?: Credentials | undefined } = {},
): HttpAnswer {
  const path = withoutProcess(request.path, "master");
  if (path === "/health") return emptyAnswer(200);
  if (path === "/version") return oldJsonAnswer(request, versionView);
  const isLink = isBelow(path, linkPath);
  if (!isMasterPath(path) && !isLink) return textAnswer(404);
  // Who may not ask is not told where to ask, either.
  const isCall = isBelow(path, "/api/v1/scheduler");
  if (isCall && credentials !== undefined && authenticated(request, credentials) === undefined) {
    return unauthorized("mesos-master-scheduler");
  }
  if (leader === undefined) return textAnswer(503, "No leader elected");
  if (path === "/redirect") return redirect(leader);
  const query = request.query.size === 0 ? "" : `?${request.query.toString()}`;
  // Decoded it could hold anything, line ends among it.
  return redirect(leader, `${isLink ? "" : "/master"}${encodeURI(path)}${query}`);
}
