import { formatUuid, type Random, uuidBytes } from "../../../base/random.ts";
import {
  type AddressedSchedulerCall,
  type ContentType,
  decodeSchedulerCall,
  encodeSchedulerEvent,
} from "../../../mesos/codec.ts";
import { encodeRecord } from "../../../mesos/recordio.ts";
import type { SchedulerCall, SchedulerEvent } from "../../../mesos/scheduler-api.ts";
import { emptyAnswer, type HttpAnswer, type HttpStream, textAnswer } from "../http/answer.ts";
import { authenticated, type Credentials, unauthorized } from "../http/authentication.ts";
import { acceptedType, notAcceptable, readCall } from "../http/content-types.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import { isUuid } from "../uuids.ts";
import type { Master, MasterEvent } from "./master.ts";
import type { StreamId } from "./master-types.ts";

export interface SchedulerEndpointOptions {
  readonly random: Random;
  readonly master: Pick<Master, "refusal" | "updateRefusal">;
  /** Who may subscribe; undefined: everybody. */
  readonly credentials: Credentials | undefined;
  readonly onEvent: (event: MasterEvent) => void;
}

/** `POST /api/v1/scheduler`: decodes calls, checks what can be seen in them, and keeps the event streams. */
export class SchedulerEndpoint {
  readonly #options: SchedulerEndpointOptions;
  readonly #streams = new Map<StreamId, { readonly stream: HttpStream; readonly type: ContentType }>();

  constructor(options: SchedulerEndpointOptions) {
    this.#options = options;
  }

  handle(request: HttpRequest): HttpAnswer {
    const { credentials, master, onEvent } = this.#options;
    const principal = credentials === undefined ? undefined : authenticated(request, credentials);
    if (credentials !== undefined && principal === undefined) return unauthorized("mesos-master-scheduler");
    const read = readCall(request, "scheduler::Call", decodeSchedulerCall);
    if ("refusal" in read) return read.refusal;
    const problem = callProblem(read.call, principal);
    if (problem !== undefined) return textAnswer(400, `Failed to validate scheduler::Call: ${problem}`);
    const { frameworkId, call } = read.call;
    const streamId = request.headers.get("mesos-stream-id");
    if (call.type === "SUBSCRIBE") return this.#subscribe(request, streamId, read.call, call, principal);
    if (frameworkId === undefined) return textAnswer(400, "Framework cannot be found");
    const refusal =
      master.refusal(frameworkId, streamId, principal) ??
      (call.type === "UPDATE_FRAMEWORK" ? master.updateRefusal(frameworkId, call) : undefined);
    if (refusal !== undefined) return textAnswer(refusal.status, refusal.message);
    onEvent({ type: "call", frameworkId, call });
    return emptyAnswer(call.type === "UPDATE_FRAMEWORK" ? 200 : 202);
  }

  send(streamId: StreamId, event: SchedulerEvent): void {
    const subscription = this.#streams.get(streamId);
    subscription?.stream.write(encodeRecord(encodeSchedulerEvent(event, subscription.type)));
  }

  end(streamId: StreamId): void {
    const subscription = this.#streams.get(streamId);
    this.#streams.delete(streamId);
    subscription?.stream.end();
  }

  #subscribe(
    request: HttpRequest,
    givenStreamId: string | undefined,
    { frameworkId }: AddressedSchedulerCall,
    { frameworkInfo, suppressedRoles = [], offerConstraints }: Extract<SchedulerCall, { type: "SUBSCRIBE" }>,
    principal: string | undefined,
  ): HttpAnswer {
    const type = acceptedType(request);
    if (type === undefined) return notAcceptable;
    if (givenStreamId !== undefined) {
      return textAnswer(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header");
    }
    const streamId = formatUuid(uuidBytes(this.#options.random));
    return {
      type: "stream",
      headers: { "Mesos-Stream-Id": streamId, "Content-Type": type },
      open: (stream) => {
        this.#streams.set(streamId, { stream, type });
        // An empty framework id counts as none.
        const known = frameworkId === "" ? undefined : frameworkId;
        this.#options.onEvent({
          type: "subscribe",
          streamId,
          frameworkId: known,
          info: principal === undefined ? frameworkInfo : { ...frameworkInfo, principal },
          suppressedRoles,
          offerConstraints,
        });
      },
      closed: () => {
        this.#streams.delete(streamId);
        this.#options.onEvent({ type: "disconnected", streamId });
      },
    };
  }
}

/** What Mesos' validation finds in a call beyond its shape. */
function callProblem({ frameworkId, call }: AddressedSchedulerCall, principal: string | undefined): string | undefined {
  if (call.type === "SUBSCRIBE") {
    const { id = "", principal: its } = call.frameworkInfo;
    if ((frameworkId ?? "") !== id) return "'framework_id' differs from 'subscribe.framework_info.id'";
    if (principal === undefined || its === undefined || its === principal) return undefined;
    return `Authenticated principal '${principal}' does not match principal '${its}' set in \`FrameworkInfo\``;
  }
  if (call.type === "UPDATE_FRAMEWORK") {
    if ((call.frameworkInfo.id ?? "") === frameworkId) return undefined;
    return "'framework_id' differs from 'update_framework.framework_info.id'";
  }
  if (call.type === "ACKNOWLEDGE_OPERATION_STATUS" && call.agentId === undefined) {
    return "Expecting 'agent_id' to be present";
  }
  return "uuid" in call && !isUuid(call.uuid) ? "Not a valid UUID" : undefined;
}
