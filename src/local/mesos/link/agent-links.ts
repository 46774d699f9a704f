import { decodeUtf8 } from "../../../base/bytes.ts";
import type { Logger } from "../../../base/log.ts";
import { formatUuid, type Random, uuidBytes } from "../../../base/random.ts";
import { encodeRecord } from "../../../mesos/recordio.ts";
import type { AgentId } from "../../../mesos/types.ts";
import type { AgentOrder, AgentReport } from "../agent-messages.ts";
import { emptyAnswer, type HttpAnswer, type HttpStream, textAnswer, wrongMethod } from "../http/answer.ts";
import { authenticated, type Credentials, unauthorized } from "../http/authentication.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import type { AgentRegistry } from "../master/agent-registry.ts";
import type { AgentLink, MasterNode } from "../master/master-node.ts";
import { LinkProtocolError } from "./errors.ts";
import { agentIdHeader, linkPath, linkVersion, reportsPath, streamIdHeader } from "./link-paths.ts";
import { decodeReport, encodeOrder } from "./wire.ts";

export interface AgentLinksOptions {
  readonly node: Pick<MasterNode, "attach" | "detach" | "report">;
  /** Made ids begin with it. */
  readonly masterId: string;
  /** An agent is written down before its first registration is carried out. */
  readonly registry: AgentRegistry;
  readonly credentials: Credentials | undefined;
  readonly random: Random;
  readonly log: Logger;
}

/** A connected agent. */
interface Connection extends AgentLink {
  readonly agentId: AgentId;
  readonly stream: HttpStream;
  /** Reports that wait until it is written down; undefined: nothing to wait for. */
  waiting: AgentReport[] | undefined;
  hasRegistered: boolean;
}

/** Any agent may be kept waiting by a disk or ZooKeeper; what it says meanwhile has a bound. */
const MAX_WAITING_REPORTS = 10_000;

/** A master's side of the links to agents that are processes of their own. */
export class AgentLinks {
  readonly #options: AgentLinksOptions;
  readonly #connections = new Map<string, Connection>();
  readonly #byAgent = new Map<AgentId, string>();
  #made = 0;

  constructor(options: AgentLinksOptions) {
    this.#options = options;
  }

  handle(request: HttpRequest): HttpAnswer {
    const { credentials, log } = this.#options;
    if (request.method !== "POST") return wrongMethod(request.method, "POST");
    if (credentials !== undefined && authenticated(request, credentials) === undefined) {
      return unauthorized("mesos-master-agent");
    }
    try {
      if (request.path === linkPath) return this.#connect(readAgentId(request.body));
      return request.path === reportsPath ? this.#report(request) : textAnswer(404);
    } catch (error) {
      if (!(error instanceof LinkProtocolError)) throw error;
      log.warn("request of an agent refused", { error });
      return textAnswer(400, error.message);
    }
  }

  #connect(known: AgentId | undefined): HttpAnswer {
    const agentId = known ?? (`${this.#options.masterId}-S${this.#made++}` as AgentId);
    const streamId = formatUuid(uuidBytes(this.#options.random));
    return {
      type: "stream",
      headers: { [agentIdHeader]: agentId, [streamIdHeader]: streamId, "Content-Type": "application/json" },
      open: (stream) => this.#opened(agentId, streamId, stream),
      closed: () => this.#closed(streamId),
    };
  }

  #opened(agentId: AgentId, streamId: string, stream: HttpStream): void {
    const { node, log } = this.#options;
    const former = this.#byAgent.get(agentId);
    const connection: Connection = {
      agentId,
      stream,
      waiting: undefined,
      hasRegistered: false,
      order: (order: AgentOrder) => stream.write(encodeRecord(encodeOrder(order))),
    };
    this.#connections.set(streamId, connection);
    this.#byAgent.set(agentId, streamId);
    node.attach(agentId, connection);
    log.info("agent linked", { agent: agentId });
    if (former !== undefined) this.#end(former);
  }

  #report({ headers, body }: HttpRequest): HttpAnswer {
    const connection = this.#connections.get(headers.get(streamIdHeader.toLowerCase()) ?? "");
    if (connection === undefined) return textAnswer(403, "Agent is not linked");
    const report = decodeReport(body);
    if (report.type === "registered" && report.info.id !== connection.agentId) {
      throw new LinkProtocolError(`Cannot register agent ${report.info.id ?? "without id"}: it is linked as another`);
    }
    if (report.type === "registered" && !connection.hasRegistered) this.#writeDown(connection);
    if (connection.waiting === undefined) this.#carryOut(connection, report);
    else if (connection.waiting.length < MAX_WAITING_REPORTS) connection.waiting.push(report);
    else return textAnswer(503, "Too many reports wait");
    return emptyAnswer(202);
  }

  /** Before its registration is carried out: a master that follows this one has to know that there is such an agent. */
  #writeDown(connection: Connection): void {
    const { registry, log } = this.#options;
    const { agentId } = connection;
    if (registry.has(agentId) || connection.waiting !== undefined) return;
    connection.waiting = [];
    registry.admit(agentId).then(
      () => {
        const reports = connection.waiting ?? [];
        connection.waiting = undefined;
        for (const report of reports) this.#carryOut(connection, report);
      },
      (error: unknown) => {
        log.error("agent cannot register: it could not be written down", { agent: agentId, error });
        const streamId = this.#byAgent.get(agentId);
        if (streamId !== undefined && this.#connections.get(streamId) === connection) this.#end(streamId);
      },
    );
  }

  #carryOut(connection: Connection, report: AgentReport): void {
    const { agentId } = connection;
    if (report.type === "registered") connection.hasRegistered = true;
    // It may have been replaced meanwhile.
    const isCurrent = this.#connections.get(this.#byAgent.get(agentId) ?? "") === connection;
    if (isCurrent && connection.hasRegistered) this.#options.node.report({ agentId, report });
  }

  /** Ends a stream in order; what is said of it afterwards is refused. */
  #end(streamId: string): void {
    const connection = this.#connections.get(streamId);
    this.#forget(streamId);
    connection?.stream.end();
  }

  #closed(streamId: string): void {
    const agentId = this.#forget(streamId);
    if (agentId !== undefined) this.#options.log.warn("link to an agent lost", { agent: agentId });
  }

  #forget(streamId: string): AgentId | undefined {
    const connection = this.#connections.get(streamId);
    if (connection === undefined) return undefined;
    const { agentId } = connection;
    this.#connections.delete(streamId);
    if (this.#byAgent.get(agentId) === streamId) this.#byAgent.delete(agentId);
    this.#options.node.detach(agentId, connection);
    return agentId;
  }
}

/** Long enough for whatever a master makes, and part of no header, path or log in any other sense. */
const agentIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** What an agent says first: which one it is, where it has been one before. @throws {LinkProtocolError} */
export function readAgentId(body: Uint8Array): AgentId | undefined {
  let hello: unknown;
  try {
    hello = JSON.parse(decodeUtf8(body) ?? "");
  } catch (cause) {
    throw new LinkProtocolError("Cannot link agent: it says no JSON", { cause });
  }
  const { version, agentId = null } = (hello ?? {}) as { version?: unknown; agentId?: unknown };
  if (version !== linkVersion) {
    const said = JSON.stringify(version) ?? "none";
    throw new LinkProtocolError(`Cannot link agent: it speaks version ${said.slice(0, 20)}, must be ${linkVersion}`);
  }
  if (agentId === null) return undefined;
  if (typeof agentId === "string" && agentIdPattern.test(agentId)) return agentId as AgentId;
  throw new LinkProtocolError("Cannot link agent: its id is none");
}
