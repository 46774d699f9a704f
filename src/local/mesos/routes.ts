import type { MasterInfo } from "../../mesos/types.ts";
import type { ExecutorEndpoint } from "./agent/executor-endpoint.ts";
import { emptyAnswer, type HttpAnswer, jsonAnswer, textAnswer, wrongMethod } from "./http/answer.ts";
import type { HttpRequest } from "./http/request-parser.ts";
import type { MasterState } from "./master/master-state.ts";
import { stateView, versionView } from "./master/master-view.ts";
import { operatorAnswer } from "./master/operator-endpoint.ts";
import type { SchedulerEndpoint } from "./master/scheduler-endpoint.ts";

/** The master's paths, each also behind `/master`; the longest registered prefix wins. */
export function routeMaster(
  request: HttpRequest,
  scheduler: SchedulerEndpoint,
  state: Readonly<MasterState>,
): HttpAnswer {
  const path = withoutProcess(request.path, "master");
  if (isBelow(path, "/api/v1/scheduler")) return scheduler.handle(request);
  if (isBelow(path, "/api/v1")) return operatorAnswer(request, state);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return isKnown(path) ? wrongMethod(request.method, "GET") : textAnswer(404);
  }
  switch (path) {
    case "/health":
      return emptyAnswer(200);
    case "/version":
      return jsonAnswer(versionView());
    case "/state":
      return jsonAnswer(stateView(state));
    case "/redirect":
      return redirect(state.settings.masterInfo);
    default:
      return textAnswer(404);
  }
}

/** An agent's paths, each also behind `/slave(N)`. */
export function routeAgent(request: HttpRequest, processName: string, executors: ExecutorEndpoint): HttpAnswer {
  const path = withoutProcess(request.path, processName);
  if (isBelow(path, "/api/v1/executor")) return executors.handle(request);
  return path === "/health" ? emptyAnswer(200) : textAnswer(404);
}

function isKnown(path: string): boolean {
  return ["/health", "/version", "/state", "/redirect"].includes(path);
}

function redirect({ hostname = "", port }: MasterInfo): HttpAnswer {
  return { ...emptyAnswer(307), headers: { Location: `//${hostname}:${port}` } };
}

/** A trailing slash is ignored. */
function withoutProcess(path: string, processName: string): string {
  const trimmed = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  return trimmed.startsWith(`/${processName}/`) ? trimmed.slice(processName.length + 1) : trimmed;
}

function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}
