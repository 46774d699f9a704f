import { CodecError, type ContentType, decodeMessage, demand, encodeMessage } from "../../../mesos/codec.ts";
import type { AgentId, FrameworkId } from "../../../mesos/types.ts";
import { emptyAnswer, type HttpAnswer, textAnswer } from "../http/answer.ts";
import { acceptedType, notAcceptable, readCall } from "../http/content-types.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import type { MaintenanceWindow } from "./maintenance.ts";
import type { Master } from "./master.ts";
import type { MasterState } from "./master-state.ts";
import { masterAnswers } from "./operator-answers.ts";
import type { OperatorOrder } from "./operator-orders.ts";

export interface OperatorEndpointOptions {
  readonly state: Readonly<MasterState>;
  readonly refusal: Master["operatorRefusal"];
  readonly onOrder: (order: OperatorOrder) => void;
  readonly wallMs: () => number;
}

/** `mesos.v1.master.Call` as it stands on the wire, as far as it is read here. */
interface WireCall {
  readonly type?: string;
  readonly getMetrics?: object;
  readonly listFiles?: object;
  readonly readFile?: object;
  readonly teardown?: { readonly frameworkId: FrameworkId };
  readonly markAgentGone?: { readonly agentId: AgentId };
  readonly drainAgent?: {
    readonly agentId: AgentId;
    readonly maxGracePeriod?: { readonly seconds?: number; readonly nanos?: number };
    readonly markGone?: boolean;
  };
  readonly deactivateAgent?: { readonly agentId: AgentId };
  readonly reactivateAgent?: { readonly agentId: AgentId };
  readonly updateMaintenanceSchedule?: { readonly schedule: { readonly windows?: readonly MaintenanceWindow[] } };
}

type OperatorCall =
  | { readonly type: "question"; readonly name: string }
  | { readonly type: "order"; readonly order: OperatorOrder }
  | { readonly type: "files" };

/** `POST /api/v1`: the operator's calls that are served here. */
export function operatorAnswer(
  request: HttpRequest,
  { state, refusal, onOrder, wallMs }: OperatorEndpointOptions,
): HttpAnswer {
  const read = readCall(request, "master::Call", decodeOperatorCall);
  if ("refusal" in read) return read.refusal;
  const type = acceptedType(request);
  if (type === undefined) return notAcceptable;
  const { call } = read;
  switch (call.type) {
    case "question": {
      const answer = { type: call.name, ...masterAnswers[call.name]?.(state, wallMs()) };
      const body = encodeMessage("mesos.v1.master.Response", answer, type, "operator");
      return { type: "plain", status: 200, headers: { "Content-Type": type }, body };
    }
    case "order": {
      const refused = refusal(call.order);
      if (refused !== undefined) return textAnswer(refused.status, refused.message);
      onOrder(call.order);
      return emptyAnswer(200);
    }
    // A master serves its log only, and there is none.
    case "files":
      return textAnswer(404, "");
  }
}

function decodeOperatorCall(bytes: Uint8Array, type: ContentType): OperatorCall {
  const call = decodeMessage("mesos.v1.master.Call", bytes, type) as WireCall;
  const name = call.type;
  if (name === undefined || name === "UNKNOWN") throw new CodecError("invalid", "Expecting 'type' to be present");
  if (name === "LIST_FILES" || name === "READ_FILE") {
    if (name === "LIST_FILES") demand(call.listFiles, "list_files");
    else demand(call.readFile, "read_file");
    return { type: "files" };
  }
  if (name === "GET_METRICS") demand(call.getMetrics, "get_metrics");
  if (Object.hasOwn(masterAnswers, name)) return { type: "question", name };
  return { type: "order", order: orderOf(name, call) };
}

function orderOf(name: string, call: WireCall): OperatorOrder {
  switch (name) {
    case "TEARDOWN":
      return { type: name, ...demand(call.teardown, "teardown") };
    case "MARK_AGENT_GONE":
      return { type: name, ...demand(call.markAgentGone, "mark_agent_gone") };
    case "DRAIN_AGENT": {
      const { agentId, maxGracePeriod, markGone = false } = demand(call.drainAgent, "drain_agent");
      const { seconds = 0, nanos = 0 } = maxGracePeriod ?? {};
      const maxGracePeriodMs = maxGracePeriod === undefined ? undefined : seconds * 1000 + nanos / 1e6;
      return { type: name, agentId, maxGracePeriodMs, markGone };
    }
    case "DEACTIVATE_AGENT":
      return { type: name, ...demand(call.deactivateAgent, "deactivate_agent") };
    case "REACTIVATE_AGENT":
      return { type: name, ...demand(call.reactivateAgent, "reactivate_agent") };
    case "UPDATE_MAINTENANCE_SCHEDULE": {
      const { schedule } = demand(call.updateMaintenanceSchedule, "update_maintenance_schedule");
      return { type: name, windows: schedule.windows ?? [] };
    }
    default:
      throw new CodecError("unsupported", name);
  }
}
