import type { MasterInfo } from "../../../mesos/types.ts";
import { emptyAnswer, type HttpAnswer, textAnswer, wrongMethod } from "../http/answer.ts";
import { authenticated, unauthorized } from "../http/authentication.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import { isBelow, oldJsonAnswer, withoutProcess } from "../routing.ts";
import { double, type View } from "../views/old-json.ts";
import { versionView } from "../views/version.ts";
import { masterFlags } from "./master-flags.ts";
import { masterMetrics } from "./master-metrics.ts";
import { agentsView, frameworksView, rolesView, stateView, summaryView, tasksView } from "./master-view.ts";
import { type OperatorEndpointOptions, operatorAnswer } from "./operator-endpoint.ts";
import type { SchedulerEndpoint } from "./scheduler-endpoint.ts";

/** What a master shows: by path, and whether it is for everybody. */
const views: Readonly<Record<string, (operator: OperatorEndpointOptions, query: URLSearchParams) => View>> = {
  "/state": ({ state }) => stateView(state),
  "/state-summary": ({ state }) => summaryView(state),
  "/slaves": ({ state }, query) => agentsView(state, query.get("slave_id")),
  "/frameworks": ({ state }, query) => frameworksView(state, query.get("framework_id")),
  "/tasks": ({ state }, query) => tasksView(state, query),
  "/roles": ({ state }) => rolesView(state),
  "/flags": ({ state }) => ({ flags: masterFlags(state.settings) }),
  "/metrics/snapshot": ({ state, wallMs }) =>
    Object.fromEntries(Object.entries(masterMetrics(state, wallMs())).map(([name, value]) => [name, double(value)])),
};

/** The master's paths, each also behind `/master`; the longest registered prefix wins. */
export function routeMaster(
  request: HttpRequest,
  scheduler: SchedulerEndpoint,
  operator: OperatorEndpointOptions,
): HttpAnswer {
  const path = withoutProcess(request.path, "master");
  if (isBelow(path, "/api/v1/scheduler")) return scheduler.handle(request);
  if (isBelow(path, "/api/v1")) {
    return strangerAnswer(request, operator, "mesos-master-readwrite") ?? operatorAnswer(request, operator);
  }
  const view = Object.hasOwn(views, path) ? views[path] : undefined;
  if (view === undefined && path !== "/health" && path !== "/version" && path !== "/redirect") return textAnswer(404);
  if (request.method !== "GET" && request.method !== "HEAD") return wrongMethod(request.method, "GET");
  if (path === "/health") return emptyAnswer(200);
  if (path === "/version" || view === undefined) {
    return path === "/redirect" ? redirect(operator.state.settings.masterInfo) : oldJsonAnswer(request, versionView);
  }
  return (
    strangerAnswer(request, operator, "mesos-master-readonly") ?? oldJsonAnswer(request, view(operator, request.query))
  );
}

/** Where operators have to authenticate as well: what somebody gets who has not. */
function strangerAnswer(
  request: HttpRequest,
  { state }: OperatorEndpointOptions,
  realm: string,
): HttpAnswer | undefined {
  const { credentials, authenticateReadonly } = state.settings;
  if (!authenticateReadonly || credentials === undefined) return undefined;
  return authenticated(request, credentials) === undefined ? unauthorized(realm) : undefined;
}

/** Whether a master that leads has something to say there. */
export function isMasterPath(path: string): boolean {
  return isBelow(path, "/api/v1") || path === "/redirect" || Object.hasOwn(views, path);
}

/** @param path behind the address, if any */
export function redirect({ hostname, address, port }: MasterInfo, path = ""): HttpAnswer {
  const host = hostname ?? address?.hostname ?? address?.ip ?? "";
  return { ...emptyAnswer(307), headers: { Location: `//${host}:${port}${path}` } };
}
