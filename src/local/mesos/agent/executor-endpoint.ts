import { type ContentType, decodeExecutorCall, encodeExecutorEvent } from "../../../mesos/codec.ts";
import type { AddressedExecutorCall, ExecutorEvent } from "../../../mesos/executor-api.ts";
import { encodeRecord } from "../../../mesos/recordio.ts";
import type { TaskStatus } from "../../../mesos/types.ts";
import { emptyAnswer, type HttpAnswer, type HttpStream, textAnswer } from "../http/answer.ts";
import { acceptedType, notAcceptable, readCall } from "../http/content-types.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import { isUuid } from "../uuids.ts";
import type { Agent, AgentEvent } from "./agent.ts";
import type { ExecutorStreamId } from "./agent-types.ts";

export interface ExecutorEndpointOptions {
  readonly refusal: Agent["refusal"];
  readonly onEvent: (event: AgentEvent) => void;
}

/** `POST /slave(N)/api/v1/executor`: decodes calls, checks what can be seen in them, and keeps the event streams. */
export class ExecutorEndpoint {
  readonly #options: ExecutorEndpointOptions;
  readonly #streams = new Map<ExecutorStreamId, { readonly stream: HttpStream; readonly type: ContentType }>();
  #subscriptions = 0;

  constructor(options: ExecutorEndpointOptions) {
    this.#options = options;
  }

  handle(request: HttpRequest): HttpAnswer {
    const read = readCall(request, "Executor::Call", decodeExecutorCall);
    if ("refusal" in read) return read.refusal;
    const problem = callProblem(read.call);
    if (problem !== undefined) return textAnswer(400, `Failed to validate Executor::Call: ${problem}`);
    const { frameworkId, executorId, call } = read.call;
    const type = acceptedType(request);
    if (call.type === "SUBSCRIBE" && type === undefined) return notAcceptable;
    const refusal = this.#options.refusal(frameworkId, executorId, call.type);
    if (refusal !== undefined) return textAnswer(refusal.status, refusal.message);
    switch (call.type) {
      case "SUBSCRIBE":
        return this.#subscribe(read.call, call, type ?? "application/json");
      case "UPDATE":
        this.#options.onEvent({ type: "update", frameworkId, executorId, status: call.status });
        return emptyAnswer(202);
      case "MESSAGE":
        this.#options.onEvent({ type: "message", frameworkId, executorId, data: call.data });
        return emptyAnswer(202);
      case "HEARTBEAT":
        return emptyAnswer(202);
    }
  }

  send(streamId: ExecutorStreamId, event: ExecutorEvent): void {
    const subscription = this.#streams.get(streamId);
    subscription?.stream.write(encodeRecord(encodeExecutorEvent(event, subscription.type)));
  }

  end(streamId: ExecutorStreamId): void {
    const subscription = this.#streams.get(streamId);
    this.#streams.delete(streamId);
    subscription?.stream.end();
  }

  #subscribe(
    { frameworkId, executorId }: AddressedExecutorCall,
    call: Extract<AddressedExecutorCall["call"], { type: "SUBSCRIBE" }>,
    type: ContentType,
  ): HttpAnswer {
    const streamId = `${++this.#subscriptions}`;
    return {
      type: "stream",
      headers: { "Content-Type": type },
      open: (stream) => {
        this.#streams.set(streamId, { stream, type });
        this.#options.onEvent({ type: "subscribe", streamId, frameworkId, executorId, call });
      },
      // The agent does not notice: what it sends from now on is lost, as with a real one.
      closed: () => this.#streams.delete(streamId),
    };
  }
}

/** What Mesos' validation finds in a call beyond its shape, in its words. */
function callProblem({ frameworkId, executorId, call }: AddressedExecutorCall): string | undefined {
  if (call.type === "UPDATE") return statusProblem(call.status, executorId, frameworkId);
  if (call.type !== "SUBSCRIBE") return undefined;
  for (const status of call.unacknowledgedUpdates) {
    const problem = statusProblem(status, executorId, frameworkId);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function statusProblem(status: TaskStatus, executorId: string, frameworkId: string): string | undefined {
  if (status.uuid === undefined) return "Expecting 'uuid' to be present";
  if (!isUuid(status.uuid)) return "Not a valid UUID";
  const caller = `from executor ${executorId} of framework ${frameworkId}`;
  if (status.executorId !== undefined && status.executorId !== executorId) {
    return `ExecutorID in Call: ${executorId} does not match ExecutorID in TaskStatus: ${status.executorId}`;
  }
  if (status.source !== "SOURCE_EXECUTOR") {
    return `Received Call ${caller} with invalid source, expecting 'SOURCE_EXECUTOR'`;
  }
  if (status.state === "TASK_STAGING") return `Received TASK_STAGING ${caller} which is not allowed`;
  return checkStatusProblem(status);
}

function checkStatusProblem({ checkStatus }: TaskStatus): string | undefined {
  if (checkStatus === undefined) return undefined;
  const { type, command, http, tcp } = checkStatus;
  if (type === undefined) return "CheckStatusInfo must specify 'type'";
  const part = { COMMAND: command, HTTP: http, TCP: tcp }[type];
  return part === undefined ? `Expecting '${type.toLowerCase()}' to be set for ${type} check's status` : undefined;
}
