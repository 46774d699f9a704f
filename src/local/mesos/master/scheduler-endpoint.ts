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
import { acceptedType, notAcceptable, readCall } from "../http/content-types.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import { isUuid } from "../uuids.ts";
import type { CallRefusal, MasterEvent } from "./master.ts";
import type { StreamId } from "./master-state.ts";

export interface SchedulerEndpointOptions {
  readonly random: Random;
  readonly refusal: (
    frameworkId: Extract<MasterEvent, { type: "call" }>["frameworkId"],
    streamId: StreamId | undefined,
  ) => CallRefusal | undefined;
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
    const read = readCall(request, "scheduler::Call", decodeSchedulerCall);
    if ("refusal" in read) return read.refusal;
    const problem = callProblem(read.call);
    if (problem !== undefined) return textAnswer(400, `Failed to validate scheduler::Call: ${problem}`);
    const { frameworkId, call } = read.call;
    const streamId = request.headers.get("mesos-stream-id");
    if (call.type === "SUBSCRIBE") return this.#subscribe(request, streamId, read.call, call);
    if (frameworkId === undefined) return textAnswer(400, "Framework cannot be found");
    const refusal = this.#options.refusal(frameworkId, streamId);
    if (refusal !== undefined) return textAnswer(refusal.status, refusal.message);
    this.#options.onEvent({ type: "call", frameworkId, call });
    return emptyAnswer(202);
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
    { frameworkInfo, suppressedRoles = [] }: Extract<SchedulerCall, { type: "SUBSCRIBE" }>,
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
          info: frameworkInfo,
          suppressedRoles,
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
function callProblem({ frameworkId, call }: AddressedSchedulerCall): string | undefined {
  if (call.type === "SUBSCRIBE" && (frameworkId ?? "") !== (call.frameworkInfo.id ?? "")) {
    return "'framework_id' differs from 'subscribe.framework_info.id'";
  }
  return call.type === "ACKNOWLEDGE" && !isUuid(call.uuid) ? "Not a valid UUID" : undefined;
}
