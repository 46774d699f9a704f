import { join, resolve } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type { AgentId, Attribute, Resource } from "../../mesos/types.ts";
import { type AgentIdentity, readIdentity } from "./agent/agent-identity.ts";
import { AgentServer } from "./agent/agent-server.ts";
import type { Credentials } from "./http/authentication.ts";
import type { MasterNode } from "./master/master-node.ts";
import { MasterServer } from "./master/master-server.ts";
import type { MasterSettings } from "./master/master-state.ts";

export interface EmbeddedAgentOptions {
  readonly cpus: number;
  readonly memMb: number;
  readonly diskMb?: number;
  /** Inclusive ends. */
  readonly ports?: { readonly begin: number; readonly end: number };
  /** Default: the host that everything listens on. */
  readonly hostname?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface EmbeddedMesosOptions
  extends Partial<
    Pick<MasterSettings, "offerTimeoutMs" | "agentPingTimeoutMs" | "maxAgentPingTimeouts" | "authenticateReadonly">
  > {
  /** Default 127.0.0.1. An IPv4 address: executors need no credentials, so keep it a loopback one. */
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
  /** Who may subscribe frameworks: secrets by principal. Default: everybody. */
  readonly credentials?: Credentials;
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
  readonly #master: MasterServer;
  readonly #agents: AgentServer[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: EmbeddedMesosOptions) {
    this.#options = options;
    this.#master = new MasterServer({ ...options, host: options.host ?? "127.0.0.1" });
  }

  get address(): EmbeddedMesos["address"] {
    return this.#master.address;
  }

  async start(): Promise<void> {
    const { log, agents } = this.#options;
    await this.#master.listen();
    const known = agents.map((_, index) => readIdentity(this.#agentFolder(index)));
    const recovering = known.flatMap((identity) => (identity === undefined ? [] : [identity.id]));
    const { node } = this.#master.serve({ recovering });
    const masterId = this.#master.masterInfo.id;
    for (const [index, agent] of agents.entries()) {
      const identity = known[index] ?? { id: `${masterId}-S${index}` as AgentId, port: 0 };
      await this.#startAgent(node, identity, index, agent);
    }
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
    await this.#master.close();
    // Each executor has its grace period, after which its agent kills it: this ends.
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    await Promise.all(this.#agents.map((agent) => agent.close()));
  }

  #agentFolder(index: number): string {
    return resolve(join(this.#options.workDir, "agents", String(index + 1)));
  }

  async #startAgent(
    master: MasterNode,
    { id, port }: AgentIdentity,
    index: number,
    { hostname, attributes = {}, ...size }: EmbeddedAgentOptions,
  ): Promise<void> {
    const agent = new AgentServer({
      ...this.#options,
      hostname,
      attributes: Object.entries(attributes).map(
        ([name, value]): Attribute => ({ name, type: "TEXT", text: { value } }),
      ),
      id,
      processName: `slave(${index + 1})`,
      host: this.address.host,
      masterHostname: this.address.host,
      port,
      mayMove: true,
      resources: resourcesOf(size),
      workDir: this.#agentFolder(index),
      report: (report) => master.report({ agentId: id, report }),
    });
    this.#agents.push(agent);
    master.attach(id, agent);
    await agent.start();
  }
}

function resourcesOf({ cpus, memMb, diskMb, ports }: EmbeddedAgentOptions): Resource[] {
  const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });
  const resources = [scalar("cpus", cpus), scalar("mem", memMb)];
  if (diskMb !== undefined) resources.push(scalar("disk", diskMb));
  if (ports !== undefined) resources.push({ name: "ports", type: "RANGES", ranges: { range: [ports] } });
  return resources;
}
