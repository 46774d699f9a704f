import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import { formatUuid, type Random, uuidBytes } from "../../../base/random.ts";
import type { AgentId, MasterInfo } from "../../../mesos/types.ts";
import { type HttpAnswer, textAnswer } from "../http/answer.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import { HttpServer } from "../http/server.ts";
import { masterCapabilities, mesosVersion } from "../views/version.ts";
import { Master } from "./master.ts";
import { MasterNode } from "./master-node.ts";
import { routeMaster } from "./master-routes.ts";
import type { MasterSettings } from "./master-state.ts";
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
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A master on a socket. */
export class MasterServer {
  readonly #options: MasterServerOptions;
  readonly #server: HttpServer;
  #route = (_request: HttpRequest): HttpAnswer => textAnswer(503, "Master has not finished recovery");
  #node: MasterNode | undefined;
  #port = 0;

  constructor(options: MasterServerOptions) {
    this.#options = options;
    const { host, port, clock, log } = options;
    this.#server = new HttpServer({ host, port, clock, log, handle: (request) => this.#route(request) });
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: this.#options.host, port: this.#port };
  }

  /** Listens. Until {@link serve} every call is answered 503. @throws an error with Node's `code` */
  async listen(): Promise<void> {
    this.#port = await this.#server.start();
  }

  /**
   * Begins a master's life, with a new id.
   *
   * @param recovering agents that may come back with tasks and have yet to register
   */
  serve(recovering: readonly AgentId[]): { readonly node: MasterNode; readonly masterId: string } {
    const { clock, random, log } = this.#options;
    const settings = this.#settings();
    const master = new Master(settings, random, recovering);
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
    this.#route = (request) => routeMaster(request, schedulers, operator);
    return { node, masterId: settings.masterInfo.id };
  }

  /** Cuts all connections. Idempotent. */
  async close(): Promise<void> {
    this.#node?.close();
    await this.#server.close();
  }

  #settings(): MasterSettings {
    const { host, clock, random } = this.#options;
    const port = this.#port;
    const masterInfo: MasterInfo = {
      id: formatUuid(uuidBytes(random)),
      ip: littleEndianIp(host),
      port,
      pid: `master@${host}:${port}`,
      hostname: host,
      version: mesosVersion,
      address: { hostname: host, ip: host, port },
      capabilities: masterCapabilities.map((type) => ({ type })),
    };
    return { ...defaultMasterSettings, ...given(this.#options), masterInfo, startedMs: clock.wallMs() };
  }
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
