import { join, resolve } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { errorCode } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { formatUuid, type Random, uuidBytes } from "../../base/random.ts";
import type { Address, AgentId, AgentInfo, Attribute, MasterInfo, Resource } from "../../mesos/types.ts";
import { Agent } from "./agent/agent.ts";
import { type AgentIdentity, readIdentity, writeIdentity } from "./agent/agent-identity.ts";
import { AgentJournal, readJournal } from "./agent/agent-journal.ts";
import { recall } from "./agent/agent-memory.ts";
import type { AgentSettings } from "./agent/agent-types.ts";
import { ExecutorEndpoint } from "./agent/executor-endpoint.ts";
import { type AgentNode, Cluster } from "./cluster.ts";
import { AgentContainerizer } from "./containers/agent-containerizer.ts";
import { type HttpAnswer, textAnswer } from "./http/answer.ts";
import type { HttpRequest } from "./http/request-parser.ts";
import { HttpServer } from "./http/server.ts";
import { Master } from "./master/master.ts";
import { mesosVersion } from "./master/master-view.ts";
import { SchedulerEndpoint } from "./master/scheduler-endpoint.ts";
import { routeAgent, routeMaster } from "./routes.ts";

export interface EmbeddedAgentOptions {
  /** Default: the host that everything listens on. */
  readonly hostname?: string;
  readonly cpus: number;
  readonly memMb: number;
  readonly diskMb?: number;
  /** Inclusive ends. */
  readonly ports?: { readonly begin: number; readonly end: number };
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface EmbeddedMesosOptions {
  /** Default 127.0.0.1. An IPv4 address: nothing here authenticates, so keep it a loopback one. */
  readonly host?: string;
  /** The master's; 0 takes a free one. Agents always take free ones, and keep them in `workDir`. */
  readonly port: number;
  readonly agents: readonly EmbeddedAgentOptions[];
  /** Holds the agents' ids and the sandboxes of their executors. */
  readonly workDir: string;
  /** Default 1000, as with Mesos. */
  readonly allocationIntervalMs?: number;
  /** Default 15 s. */
  readonly heartbeatIntervalMs?: number;
  /** Default 1 min. */
  readonly executorRegistrationTimeoutMs?: number;
  /** How long executors that have survived a restart may take to subscribe again. Default 2 s. */
  readonly executorReregistrationTimeoutMs?: number;
  /** Of executors that do not say otherwise. Default 5 s. */
  readonly executorShutdownGraceMs?: number;
  /** argv that runs `brigade mesos-executor`: agents start it for tasks without an executor. */
  readonly builtInExecutor: readonly string[];
  /** What executors get beside PATH and the agent's own, as by the agent's flag `executor_environment_variables`. */
  readonly executorVariables?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface EmbeddedMesos extends AsyncDisposable {
  /** Of the master. */
  readonly address: { readonly host: string; readonly port: number };
  /** Shuts all executors down, with their grace periods, and leaves no process behind. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a Mesos master and its agents in this process, speaking the v1 HTTP API on sockets.
 *
 * @throws an error with Node's `code` where a port cannot be taken or `workDir` not be written
 */
export async function startMesos(options: EmbeddedMesosOptions): Promise<EmbeddedMesos> {
  const mesos = new Mesos(options);
  try {
    await mesos.start();
  } catch (error) {
    await mesos.close();
    throw error;
  }
  return mesos;
}

class Mesos implements EmbeddedMesos {
  readonly #options: EmbeddedMesosOptions;
  readonly #host: string;
  readonly #servers: HttpServer[] = [];
  readonly #nodes: (AgentNode & { readonly containers: AgentContainerizer; readonly journal: AgentJournal })[] = [];
  #cluster: Cluster | undefined;
  #port = 0;
  #closing: Promise<void> | undefined;

  constructor(options: EmbeddedMesosOptions) {
    this.#options = options;
    this.#host = options.host ?? "127.0.0.1";
  }

  get address(): EmbeddedMesos["address"] {
    return { host: this.#host, port: this.#port };
  }

  async start(): Promise<void> {
    const { clock, random, log, agents } = this.#options;
    let route = (_request: HttpRequest): HttpAnswer => textAnswer(503, "Master has not finished recovery");
    this.#port = await this.#listen(this.#options.port, (request) => route(request));
    const known = agents.map((_, index) => readIdentity(this.#agentFolder(index)));
    const recovering = known.flatMap((identity) => (identity === undefined ? [] : [identity.id]));
    const master = new Master(this.#masterSettings(), random, recovering);
    const schedulers = new SchedulerEndpoint({
      random,
      refusal: (frameworkId, streamId) => master.refusal(frameworkId, streamId),
      onEvent: (event) => cluster.toMaster(event),
    });
    const cluster = new Cluster({ clock, log, master, schedulers });
    this.#cluster = cluster;
    const masterId = master.state.settings.masterInfo.id;
    for (const [index, agent] of agents.entries()) {
      const identity = known[index] ?? { id: `${masterId}-S${index}` as AgentId, port: 0 };
      await this.#startAgent(cluster, identity, index, agent);
    }
    cluster.start();
    route = (request) => routeMaster(request, schedulers, master.state);
    log.info("embedded Mesos ready", { ...this.address, agents: agents.length });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    // Schedulers first: they would launch anew what is about to end.
    await this.#servers[0]?.close();
    for (const { id } of this.#nodes) this.#cluster?.toAgent(id, { type: "stop" });
    // Each executor has its grace period, after which its agent kills it: this ends.
    await Promise.all(this.#nodes.map(({ containers }) => containers.idle()));
    this.#cluster?.close();
    for (const { journal } of this.#nodes) journal.close();
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  #agentFolder(index: number): string {
    return resolve(join(this.#options.workDir, "agents", String(index + 1)));
  }

  async #startAgent(
    cluster: Cluster,
    { id, port: formerPort }: AgentIdentity,
    index: number,
    agent: EmbeddedAgentOptions,
  ): Promise<void> {
    const { clock, random, log } = this.#options;
    const workDir = this.#agentFolder(index);
    const processName = `slave(${index + 1})`;

    let route = (_request: HttpRequest): HttpAnswer => textAnswer(503, "Agent has not finished recovery");
    const port = await this.#listenAgain(formerPort, (request) => route(request));
    writeIdentity(workDir, { id, port });
    const settings = this.#agentSettings(id, processName, port, agent);
    const core = new Agent(settings, random);
    const endpoint = new ExecutorEndpoint({
      refusal: (frameworkId, executorId, type) => core.refusal(frameworkId, executorId, type),
      onEvent: (event) => cluster.toAgent(id, event),
    });
    const containers = new AgentContainerizer({
      workDir,
      settings,
      clock,
      log: log.child({ agent: id }),
      onEvent: (event) => cluster.toAgent(id, event),
    });
    const memory = recall(readJournal(workDir, log));
    const journal = new AgentJournal(workDir, () => core.facts());
    const node = { id, agent: core, endpoint, containers, journal };
    this.#nodes.push(node);
    containers.clearAway(memory);
    cluster.addAgent(node, memory);
    journal.compact();
    route = (request) => routeAgent(request, processName, endpoint);
  }

  async #listen(port: number, handle: (request: HttpRequest) => HttpAnswer): Promise<number> {
    const { clock, log } = this.#options;
    const server = new HttpServer({ host: this.#host, port, clock, log, handle });
    const taken = await server.start();
    this.#servers.push(server);
    return taken;
  }

  /** A port of an earlier life is taken again if it is still free. */
  async #listenAgain(port: number, handle: (request: HttpRequest) => HttpAnswer): Promise<number> {
    try {
      return await this.#listen(port, handle);
    } catch (error) {
      if (port === 0 || errorCode(error) !== "EADDRINUSE") throw error;
      this.#options.log.warn("agent takes another port: its former one is in use", { port });
      return this.#listen(0, handle);
    }
  }

  #masterSettings(): Master["state"]["settings"] {
    const { random, allocationIntervalMs = 1000, heartbeatIntervalMs = 15_000 } = this.#options;
    const address = this.#addressAt(this.#port);
    const masterInfo: MasterInfo = {
      id: formatUuid(uuidBytes(random)),
      ip: littleEndianIp(this.#host),
      port: this.#port,
      pid: `master@${this.#host}:${this.#port}`,
      hostname: this.#host,
      version: mesosVersion,
      address,
    };
    return { masterInfo, allocationIntervalMs, heartbeatIntervalMs };
  }

  #agentSettings(id: AgentId, processName: string, port: number, agent: EmbeddedAgentOptions): AgentSettings {
    const { executorRegistrationTimeoutMs = 60_000, executorShutdownGraceMs = 5000 } = this.#options;
    const { executorReregistrationTimeoutMs = 2000, executorVariables = {}, builtInExecutor } = this.#options;
    const { hostname = this.#host, attributes = {} } = agent;
    const info: AgentInfo = {
      hostname,
      port,
      resources: resourcesOf(agent),
      attributes: Object.entries(attributes).map(
        ([name, value]): Attribute => ({ name, type: "TEXT", text: { value } }),
      ),
      id,
    };
    const endpoint = { ...this.#addressAt(port), hostname };
    return {
      id,
      info,
      endpoint,
      processName,
      builtInExecutor,
      executorRegistrationTimeoutMs,
      executorReregistrationTimeoutMs,
      executorShutdownGraceMs,
      executorVariables,
    };
  }

  #addressAt(port: number): Address {
    return { hostname: this.#host, ip: this.#host, port };
  }
}

function resourcesOf({ cpus, memMb, diskMb, ports }: EmbeddedAgentOptions): Resource[] {
  const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });
  const resources = [scalar("cpus", cpus), scalar("mem", memMb)];
  if (diskMb !== undefined) resources.push(scalar("disk", diskMb));
  if (ports !== undefined) resources.push({ name: "ports", type: "RANGES", ranges: { range: [ports] } });
  return resources;
}

/** MasterInfo's old form of an IPv4 address: the first octet is the lowest byte. */
function littleEndianIp(host: string): number {
  const octets = host.split(".").map(Number);
  if (octets.length !== 4 || octets.some((octet) => !Number.isInteger(octet))) return 0;
  return octets.reduceRight((ip, octet) => ip * 256 + octet, 0);
}
