import { CodecError, type ContentType, decodeMessage, demand, encodeMessage } from "../../../mesos/codec.ts";
import { emptyAnswer, type HttpAnswer, textAnswer, wrongMethod } from "../http/answer.ts";
import { acceptedType, notAcceptable, readCall } from "../http/content-types.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import { isBelow, oldJsonAnswer, withoutProcess } from "../routing.ts";
import { double, type View } from "../views/old-json.ts";
import { versionView } from "../views/version.ts";
import { agentFlags } from "./agent-flags.ts";
import type { AgentState } from "./agent-state.ts";
import { stateView } from "./agent-view.ts";
import { containersView, statisticsView } from "./container-views.ts";
import type { ExecutorEndpoint } from "./executor-endpoint.ts";
import { fileAnswer, refusalOf } from "./file-routes.ts";
import { agentAnswers, agentMetrics } from "./operator-answers.ts";
import { findFile, listFiles, readFile } from "./sandbox-files.ts";

type State = Readonly<AgentState>;

const views: Readonly<Record<string, (state: State, wallMs: number) => View | readonly View[]>> = {
  "/state": (state) => stateView(state),
  "/version": () => versionView,
  "/flags": ({ settings }) => ({ flags: agentFlags(settings) }),
  "/containers": (state, wallMs) => containersView(state, wallMs),
  "/monitor/statistics": (state, wallMs) => statisticsView(state, wallMs),
  "/metrics/snapshot": (state) =>
    Object.fromEntries(Object.entries(agentMetrics(state)).map(([name, value]) => [name, double(value)])),
};

export interface AgentRoutesOptions {
  /** `slave(1)`. */
  readonly processName: string;
  readonly executors: ExecutorEndpoint;
  readonly state: State;
  readonly wallMs: () => number;
}

/** An agent's paths, each also behind `/slave(N)`. */
export function routeAgent(request: HttpRequest, options: AgentRoutesOptions): HttpAnswer {
  const { processName, executors, state, wallMs } = options;
  const path = withoutProcess(request.path, processName);
  if (isBelow(path, "/api/v1/executor")) return executors.handle(request);
  if (isBelow(path, "/api/v1")) return operatorAnswer(request, state, wallMs());
  if (path === "/health") return emptyAnswer(200);
  const view = Object.hasOwn(views, path) ? views[path] : undefined;
  const answer = view === undefined ? fileAnswer(request, path, state) : oldJsonAnswer(request, view(state, wallMs()));
  if (answer === undefined) return textAnswer(404);
  return request.method === "GET" || request.method === "HEAD" ? answer : wrongMethod(request.method, "GET");
}

/** `mesos.v1.agent.Call` as it stands on the wire, as far as it is read here. */
interface WireCall {
  readonly type?: string;
  readonly getMetrics?: object;
  readonly listFiles?: { readonly path: string };
  readonly readFile?: { readonly path: string; readonly offset: number; readonly length?: number };
}

/** `POST /api/v1`: the operator's calls that are served here. */
function operatorAnswer(request: HttpRequest, state: State, wallMs: number): HttpAnswer {
  const read = readCall(request, "agent::Call", decodeCall);
  if ("refusal" in read) return read.refusal;
  const type = acceptedType(request);
  if (type === undefined) return notAcceptable;
  const { answer, refusal } = answerTo(read.call, state, wallMs);
  if (refusal !== undefined) return refusal;
  const body = encodeMessage("mesos.v1.agent.Response", { type: read.call.type, ...answer }, type, "operator");
  return { type: "plain", status: 200, headers: { "Content-Type": type }, body };
}

function decodeCall(bytes: Uint8Array, type: ContentType): WireCall & { readonly type: string } {
  const call = decodeMessage("mesos.v1.agent.Call", bytes, type) as WireCall;
  const name = call.type;
  if (name === undefined || name === "UNKNOWN") throw new CodecError("invalid", "Expecting 'type' to be present");
  if (name === "GET_METRICS") demand(call.getMetrics, "get_metrics");
  else if (name === "LIST_FILES") demand(call.listFiles, "list_files");
  else if (name === "READ_FILE") demand(call.readFile, "read_file");
  else if (!Object.hasOwn(agentAnswers, name)) throw new CodecError("unsupported", name);
  return { ...call, type: name };
}

interface Answered {
  readonly answer?: View | undefined;
  readonly refusal?: HttpAnswer;
}

function answerTo(call: WireCall & { readonly type: string }, state: State, wallMs: number): Answered {
  if (call.type !== "LIST_FILES" && call.type !== "READ_FILE")
    return { answer: agentAnswers[call.type]?.(state, wallMs) };
  const path = (call.type === "LIST_FILES" ? call.listFiles?.path : call.readFile?.path) ?? "";
  const found = findFile(state, path);
  const refusal = refusalOf(found, path);
  if (refusal !== undefined || found.type !== "found") return { refusal: refusal ?? textAnswer(404, "") };
  if (call.type === "LIST_FILES") {
    const files = listFiles(found, path).map((file) => ({ ...file, mtime: { nanoseconds: file.mtime * 1e9 } }));
    return { answer: { listFiles: { fileInfos: files } } };
  }
  if (found.stats.isDirectory()) return { refusal: textAnswer(400, "Cannot read a directory.\n") };
  return { answer: { readFile: readFile(found.path, call.readFile?.offset ?? 0, call.readFile?.length) } };
}
