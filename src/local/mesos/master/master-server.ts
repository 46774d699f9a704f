import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import { formatUuid, type Random, uuidBytes } from "../../../base/random.ts";
import type { HostPort } from "../../../mesos/host-port.ts";
import type { AgentId, MasterInfo } from "../../../mesos/types.ts";
import { standbyAnswer } from "../election/standby.ts";
import { type HttpAnswer, textAnswer } from "../http/answer.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import { HttpServer } from "../http/server.ts";
import { AgentLinks } from "../link/agent-links.ts";
import { linkPath } from "../link/link-paths.ts";
import { isBelow } from "../routing.ts";
import { masterCapabilities, mesosVersion } from "../views/version.ts";
import type { AgentRegistry } from "./agent-registry.ts";
import { Master } from "./master.ts";
import { MasterNode } from "./master-node.ts";
import { routeMaster } from "./master-routes.ts";
import type { MasterSettings, MasterState } from "./master-state.ts";
import type { OperatorOrder } from "./operator-orders.ts";
import { SchedulerEndpoint } from "./scheduler-endpoint.ts";

/** As with Mesos. */
export const defaultMasterSettings: Omit<MasterSettings, "masterInfo" | "startedMs"> = {
  allocationIntervalMs: 1000,
  heartbeatIntervalMs: 15_000,
  offerTimeoutMs: undefined,
  agentPingTimeoutMs: 15_000,
  maxAgentPingTimeouts: 5,
  agentReregisterTimeoutMs: 600_000,
  credentials: undefined,
  authenticateReadonly: false,
};

export interface MasterServerOptions extends Partial<Omit<MasterSettings, "masterInfo" | "startedMs">> {
  /** An IPv4 address. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where others are told to find it. Default: where it listens. */
  readonly advertised?: HostPort | undefined;
  /** Default: the advertised host. */
  readonly hostname?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What a master begins its life with. */
export interface MasterBeginning {
  /** Agents that may come back with tasks and have yet to register. */
  readonly recovering: readonly AgentId[];
  /** Agents that an operator marked gone under an earlier master. */
  readonly gone?: readonly AgentId[];
  /** Agents that are processes of their own may join, and are written down there. Default: they may not. */
  readonly registry?: AgentRegistry;
}

/** A master that serves. */
export interface ServingMaster {
  readonly node: MasterNode;
  readonly state: Readonly<MasterState>;
}

/** A master on a socket. */
export class MasterServer {
  readonly #options: MasterServerOptions;
  readonly #server: HttpServer;
  #route: (request: HttpRequest) => HttpAnswer = recovering;
  #node: MasterNode | undefined;
  #port = 0;
  readonly #id: string;

  constructor(options: MasterServerOptions) {
    this.#options = options;
    const { host, port, clock, random, log } = options;
    this.#id = formatUuid(uuidBytes(random));
    this.#server = new HttpServer({ host, port, clock, log, handle: (request) => this.#route(request) });
  }

  get address(): HostPort {
    return { host: this.#options.host, port: this.#port };
  }

  /** What it tells of itself, once it listens. Its id is this process's. */
  get masterInfo(): MasterInfo {
    const { host, port } = this.#options.advertised ?? this.address;
    const { hostname = host } = this.#options;
    return {
      id: this.#id,
      ip: littleEndianIp(host),
      port,
      pid: `master@${host}:${port}`,
      hostname,
      version: mesosVersion,
      address: { hostname, ip: host, port },
      capabilities: masterCapabilities.map((type) => ({ type })),
    };
  }

  /** Listens. Until {@link serve} every call is answered 503. @throws an error with Node's `code` */
  async listen(): Promise<void> {
    this.#port = await this.#server.start();
  }

  /** Answers as one that does not lead, until it serves. @param leader undefined: none is known */
  standBy(leader: MasterInfo | undefined): void {
    const { credentials } = this.#options;
    this.#route = (request) => standbyAnswer(request, leader, { credentials });
  }

  /** It is its turn, and it will serve soon. */
  recover(): void {
    this.#route = recovering;
  }

  /** Begins its life as the master. */
  serve({ recovering, gone = [], registry }: MasterBeginning): ServingMaster {
    const { clock, random, log } = this.#options;
    const settings = this.#settings();
    const master = new Master(settings, random, recovering, gone);
    const schedulers = new SchedulerEndpoint({
      random,
      master,
      credentials: settings.credentials,
      onEvent: (event) => node.dispatch(event),
    });
    const node = new MasterNode({ master, schedulers, clock, log });
    this.#node = node;
    node.start();
    const operator = {
      state: master.state,
      refusal: (order: OperatorOrder) => master.operatorRefusal(order),
      onOrder: (order: OperatorOrder) => node.dispatch({ type: "operate", order }),
      wallMs: () => clock.wallMs(),
    };
    const { credentials } = settings;
    const links = registry && new AgentLinks({ node, masterId: this.#id, registry, credentials, random, log });
    this.#route = (request) =>
      links !== undefined && isBelow(request.path, linkPath)
        ? links.handle(request)
        : routeMaster(request, schedulers, operator);
    return { node, state: master.state };
  }

  /** Leads no more: says nothing to those that are connected, and knows of no leader. */
  retire(): void {
    this.#node?.close();
    this.standBy(undefined);
  }

  /** Cuts all connections. Idempotent. */
  async close(): Promise<void> {
    this.#node?.close();
    await this.#server.close();
  }

  #settings(): MasterSettings {
    const startedMs = this.#options.clock.wallMs();
    return { ...defaultMasterSettings, ...given(this.#options), masterInfo: this.masterInfo, startedMs };
  }
}

/** As a real one answers before it has read its registry. */
function recovering(): HttpAnswer {
  return textAnswer(503, "Master has not finished recovery");
}

/** Those of the settings that were given. */
function given(options: MasterServerOptions): Partial<MasterSettings> {
  const names = Object.keys(defaultMasterSettings) as (keyof typeof defaultMasterSettings)[];
  return Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));
}

/** MasterInfo's old form of an IPv4 address: the first octet is the lowest byte. */
function littleEndianIp(host: string): number {
  const octets = host.split(".").map(Number);
  if (octets.length !== 4 || octets.some((octet) => !Number.isInteger(octet))) return 0;
  return octets.reduceRight((ip, octet) => ip * 256 + octet, 0);
}
