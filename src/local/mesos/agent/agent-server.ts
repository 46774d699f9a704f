import type { Clock } from "../../../base/clock.ts";
import { errorCode } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { Random } from "../../../base/random.ts";
import type { HostPort } from "../../../mesos/host-port.ts";
import type { AgentId, AgentInfo, Attribute, Resource } from "../../../mesos/types.ts";
import type { AgentOrder, AgentReport } from "../agent-messages.ts";
import { AgentContainerizer } from "../containers/agent-containerizer.ts";
import { type HttpAnswer, textAnswer } from "../http/answer.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import { HttpServer } from "../http/server.ts";
import { Agent } from "./agent.ts";
import { writeIdentity } from "./agent-identity.ts";
import { AgentJournal, readJournal } from "./agent-journal.ts";
import { recall } from "./agent-memory.ts";
import { AgentNode } from "./agent-node.ts";
import { routeAgent } from "./agent-routes.ts";
import type { AgentSettings } from "./agent-types.ts";
import { ExecutorEndpoint } from "./executor-endpoint.ts";

export interface AgentServerOptions extends Partial<Pick<AgentSettings, Timeouts | "executorVariables">> {
  readonly id: AgentId;
  /** `slave(1)`. */
  readonly processName: string;
  /** An IPv4 address to listen on. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Whether another port will do where that one is taken. */
  readonly mayMove: boolean;
  /** Where others, executors among them, are told to find it. Default: where it listens. */
  readonly advertised?: HostPort | undefined;
  /** Default: the advertised host. */
  readonly hostname?: string | undefined;
  readonly resources: readonly Resource[];
  readonly attributes?: readonly Attribute[];
  /** Holds what it remembers, and the sandboxes of its executors. */
  readonly workDir: string;
  readonly masterHostname: string;
  readonly builtInExecutor: readonly string[];
  /** The way to the master. */
  readonly report: (report: AgentReport) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** As with Mesos. */
const RECOVERY_TIMEOUT_MS = 15 * 60_000;

type Timeouts = "executorRegistrationTimeoutMs" | "executorReregistrationTimeoutMs" | "executorShutdownGraceMs";

/** An agent on a socket, with its executors. */
export class AgentServer {
  readonly #options: AgentServerOptions;
  #route = (_request: HttpRequest): HttpAnswer => textAnswer(503, "Agent has not finished recovery");
  #server: HttpServer | undefined;
  #port = 0;
  #node: AgentNode | undefined;
  #containers: AgentContainerizer | undefined;
  #journal: AgentJournal | undefined;

  constructor(options: AgentServerOptions) {
    this.#options = options;
  }

  /** Listens, and registers with the master. @throws an error with Node's `code` */
  async start(): Promise<void> {
    const { id, processName, workDir, clock, random, log, report } = this.#options;
    const port = await this.#listen();
    this.#port = port;
    writeIdentity(workDir, { id, port });
    const settings = this.#settings();
    const agent = new Agent(settings, random);
    const executors = new ExecutorEndpoint({
      refusal: (frameworkId, executorId, type) => agent.refusal(frameworkId, executorId, type),
      onEvent: (event) => node.dispatch(event),
    });
    const containers = new AgentContainerizer({
      workDir,
      settings,
      clock,
      log: log.child({ agent: id }),
      onEvent: (event) => node.dispatch(event),
    });
    const memory = recall(readJournal(workDir, log));
    const journal = new AgentJournal(workDir, () => agent.facts());
    const node = new AgentNode({ agent, executors, containers, journal, report, clock });
    this.#node = node;
    this.#containers = containers;
    this.#journal = journal;
    containers.clearAway(memory);
    node.start(memory);
    journal.compact();
    const routes = { processName, executors, state: agent.state, wallMs: () => clock.wallMs() };
    this.#route = (request) => routeAgent(request, routes);
  }

  /** Where others are told to find it, once it listens. */
  get advertised(): HostPort {
    return this.#options.advertised ?? { host: this.#options.host, port: this.#port };
  }

  /** From the master. */
  order(order: AgentOrder): void {
    this.#node?.dispatch({ type: "order", order });
  }

  /** There is a way to a master: it registers there. */
  linked(masterHostname: string): void {
    this.#node?.dispatch({ type: "link", up: true, masterHostname });
  }

  /** The way to the master is broken. */
  unlinked(): void {
    this.#node?.dispatch({ type: "link", up: false });
  }

  /** Leaves the master for good, and ends as by {@link stop}. */
  async leave(): Promise<void> {
    this.#node?.dispatch({ type: "leave" });
    await this.#containers?.idle();
  }

  /** Shuts all executors down, with their grace periods, and resolves when none is left. */
  async stop(): Promise<void> {
    this.#node?.dispatch({ type: "stop" });
    await this.#containers?.idle();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#node?.close();
    this.#journal?.close();
    await this.#server?.close();
  }

  /** A port of an earlier life is taken again if it is still free. */
  async #listen(): Promise<number> {
    const { port, mayMove, log } = this.#options;
    try {
      return await this.#listenAt(port);
    } catch (error) {
      if (port === 0 || !mayMove || errorCode(error) !== "EADDRINUSE") throw error;
      log.warn("agent takes another port: its former one is in use", { port });
      return this.#listenAt(0);
    }
  }

  #listenAt(port: number): Promise<number> {
    const { host, clock, log } = this.#options;
    const server = new HttpServer({ host, port, clock, log, handle: (request) => this.#route(request) });
    this.#server = server;
    return server.start();
  }

  #settings(): AgentSettings {
    const { id, processName, resources, attributes = [], builtInExecutor } = this.#options;
    const { executorRegistrationTimeoutMs = 60_000, executorReregistrationTimeoutMs = 2000 } = this.#options;
    const { executorShutdownGraceMs = 5000, executorVariables = {}, clock, workDir, masterHostname } = this.#options;
    const { advertised } = this;
    const { hostname = advertised.host } = this.#options;
    const info: AgentInfo = {
      hostname,
      port: advertised.port,
      resources: [...resources],
      attributes: [...attributes],
      id,
    };
    return {
      id,
      info,
      endpoint: { hostname, ip: advertised.host, port: advertised.port },
      processName,
      builtInExecutor,
      executorRegistrationTimeoutMs,
      executorReregistrationTimeoutMs,
      executorShutdownGraceMs,
      recoveryTimeoutMs: RECOVERY_TIMEOUT_MS,
      masterHostname,
      executorVariables,
      startedMs: clock.wallMs(),
      workDir,
    };
  }
}
