import { decodeUtf8 } from "../../../base/bytes.ts";
import { CodecError, type ContentType } from "../../../mesos/codec.ts";
import { type HttpAnswer, jsonAnswer } from "../http/answer.ts";
import { acceptedType, notAcceptable, readCall } from "../http/content-types.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import type { MasterState } from "./master-state.ts";
import { versionView } from "./master-view.ts";
import { agentsView, frameworksView, tasksView } from "./operator-view.ts";

const calls = ["GET_HEALTH", "GET_VERSION", "GET_AGENTS", "GET_FRAMEWORKS", "GET_TASKS"] as const;
type OperatorCall = (typeof calls)[number];

/** `POST /api/v1`: the operator's calls that are served here, in JSON. */
export function operatorAnswer(request: HttpRequest, state: Readonly<MasterState>): HttpAnswer {
  const read = readCall(request, "master::Call", decodeOperatorCall);
  if ("refusal" in read) return read.refusal;
  if (acceptedType(request) !== "application/json") return notAcceptable;
  switch (read.call) {
    case "GET_HEALTH":
      return jsonAnswer({ type: "GET_HEALTH", get_health: { healthy: true } });
    case "GET_VERSION":
      return jsonAnswer({ type: "GET_VERSION", get_version: { version_info: versionView() } });
    case "GET_AGENTS":
      return jsonAnswer({ type: "GET_AGENTS", get_agents: agentsView(state) });
    case "GET_FRAMEWORKS":
      return jsonAnswer({ type: "GET_FRAMEWORKS", get_frameworks: frameworksView(state) });
    case "GET_TASKS":
      return jsonAnswer({ type: "GET_TASKS", get_tasks: tasksView(state) });
  }
}

function decodeOperatorCall(bytes: Uint8Array, type: ContentType): OperatorCall {
  if (type !== "application/json") throw new CodecError("unsupported", "The operator API in protobuf");
  const call = parseJson(decodeUtf8(bytes));
  if (typeof call !== "object" || call === null || Array.isArray(call)) {
    throw new CodecError("mismatched", "Expecting a JSON object");
  }
  const name: unknown = "type" in call ? call.type : undefined;
  if (typeof name !== "string" || !/^[A-Z]+_[A-Z_]+$/.test(name)) {
    throw new CodecError("invalid", "Expecting 'type' to be present");
  }
  const known = calls.find((each) => each === name);
  if (known === undefined) throw new CodecError("unsupported", name);
  return known;
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch (cause) {
    throw new CodecError("malformed", "syntax error at line 1 near: ", { cause });
  }
}
