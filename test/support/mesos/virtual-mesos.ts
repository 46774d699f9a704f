import { silentLogger } from "../../../src/base/log.ts";
import { formatUuid, seededRandom, uuidBytes } from "../../../src/base/random.ts";
import { Agent } from "../../../src/local/mesos/agent/agent.ts";
import { type AgentFact, recall } from "../../../src/local/mesos/agent/agent-memory.ts";
import { AgentNode } from "../../../src/local/mesos/agent/agent-node.ts";
import { routeAgent } from "../../../src/local/mesos/agent/agent-routes.ts";
import type { AgentSettings } from "../../../src/local/mesos/agent/agent-types.ts";
import { ExecutorEndpoint } from "../../../src/local/mesos/agent/executor-endpoint.ts";
import type { ContainerLaunch } from "../../../src/local/mesos/containers/containerizer.ts";
import { standbyAnswer } from "../../../src/local/mesos/election/standby.ts";
import { type HttpAnswer, textAnswer } from "../../../src/local/mesos/http/answer.ts";
import type { HttpRequest } from "../../../src/local/mesos/http/request-parser.ts";
import { Master } from "../../../src/local/mesos/master/master.ts";
import { type AgentLink, MasterNode } from "../../../src/local/mesos/master/master-node.ts";
import { routeMaster } from "../../../src/local/mesos/master/master-routes.ts";
import { defaultMasterSettings } from "../../../src/local/mesos/master/master-server.ts";
import type { MasterSettings } from "../../../src/local/mesos/master/master-state.ts";
import type { OperatorOrder } from "../../../src/local/mesos/master/operator-orders.ts";
import { SchedulerEndpoint } from "../../../src/local/mesos/master/scheduler-endpoint.ts";
import { masterCapabilities } from "../../../src/local/mesos/views/version.ts";
import type { AgentId, ContainerId, MasterInfo, Resource } from "../../../src/mesos/types.ts";
import { ManualClock } from "../manual-clock.ts";
import { VirtualContainers, type VirtualContainersOptions } from "./virtual-containers.ts";

export interface VirtualMesosOptions
  extends Partial<Omit<MasterSettings, "masterInfo" | "startedMs">>,
    Partial<Pick<AgentSettings, "executorRegistrationTimeoutMs" | "executorReregistrationTimeoutMs">> {
  readonly recoveryTimeoutMs?: number;
  readonly workDir?: string;
  /** How long an order of the master's takes to its agent. */
  readonly orderLatencyMs?: number;
  /** Started later, by {@link VirtualMesos.startAgent}. */
  readonly withoutAgent?: boolean;
  readonly problem?: VirtualContainersOptions["problem"];
  readonly dockerLaunchMs?: number;
}

export const masterPort = 5050;
export const agentPort = 5051;

const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });

interface LivingAgent {
  readonly agent: Agent;
  readonly node: AgentNode;
  readonly executors: ExecutorEndpoint;
  readonly link: AgentLink;
}

interface LivingMaster {
  readonly master: Master;
  readonly node: MasterNode;
  readonly schedulers: SchedulerEndpoint;
  readonly settings: MasterSettings;
}

/**
 * The embedded Mesos without sockets and processes, under a clock that the test moves: a master, one agent with 4 cpus
 * and 2048 MB, and executors that the test plays. Both can be killed and come back.
 */
export class VirtualMesos {
  readonly clock = new ManualClock();
  readonly containers: VirtualContainers;
  readonly #options: VirtualMesosOptions;
  readonly #random = seededRandom(1);
  #facts: AgentFact[] = [];
  #agentId: AgentId | undefined;
  #agents = 0;
  #living: LivingAgent | undefined;
  #master: LivingMaster;

  constructor(options: VirtualMesosOptions = {}) {
    this.#options = options;
    this.#master = this.#newMaster([]);
    this.containers = new VirtualContainers({
      clock: this.clock,
      random: this.#random,
      onEvent: (event) => this.#living?.node.dispatch(event),
      handle: (request) => this.handleAgent(request),
      ...(options.problem === undefined ? {} : { problem: options.problem }),
      dockerLaunchMs: options.dockerLaunchMs ?? 0,
    });
    this.#master.node.start();
    if (options.withoutAgent !== true) this.startAgent();
  }

  get launched(): readonly ContainerLaunch[] {
    return this.containers.launched;
  }

  get agentId(): AgentId {
    return this.#agentId ?? (`${this.#master.settings.masterInfo.id}-S0` as AgentId);
  }

  get masterInfo(): MasterInfo {
    return this.#master.settings.masterInfo;
  }

  get agentSettings(): AgentSettings {
    return this.#settings(this.agentId);
  }

  /** As the master answers it, or the agent for paths of the executor API. */
  handle(request: HttpRequest): HttpAnswer {
    return request.path.includes("/executor") ? this.handleAgent(request) : this.handleMaster(request);
  }

  handleMaster(request: HttpRequest): HttpAnswer {
    const { master, node, schedulers } = this.#master;
    return routeMaster(request, schedulers, {
      state: master.state,
      refusal: (order) => master.operatorRefusal(order),
      onOrder: (order: OperatorOrder) => node.dispatch({ type: "operate", order }),
      wallMs: () => this.clock.wallMs(),
    });
  }

  /** As a master answers that does not lead. */
  handleStandby(request: HttpRequest): HttpAnswer {
    return standbyAnswer(request, this.masterInfo, this.#master.settings);
  }

  handleAgent(request: HttpRequest): HttpAnswer {
    const living = this.#living;
    if (living === undefined) return textAnswer(503, "Agent has not finished recovery");
    const { agent, executors } = living;
    const wallMs = (): number => this.clock.wallMs();
    return routeAgent(request, { processName: "slave(1)", executors, state: agent.state, wallMs });
  }

  exit(containerId: ContainerId, waitStatus: number): void {
    this.containers.exit(containerId, waitStatus);
  }

  /** Starts the agent, or starts it again with what it remembers. */
  startAgent(): void {
    this.#agentId ??= `${this.#master.settings.masterInfo.id}-S${this.#agents++}` as AgentId;
    const id = this.#agentId;
    const agent = new Agent(this.#settings(id), this.#random);
    const executors = new ExecutorEndpoint({
      refusal: (frameworkId, executorId, type) => agent.refusal(frameworkId, executorId, type),
      onEvent: (event) => node.dispatch(event),
    });
    const node = new AgentNode({
      agent,
      executors,
      containers: this.containers,
      journal: { append: (fact) => void this.#facts.push(fact), flush: () => undefined },
      report: (report) => this.#master.node.report({ agentId: id, report }),
      clock: this.clock,
    });
    const { orderLatencyMs = 0 } = this.#options;
    const link: AgentLink = {
      order: (order) => {
        if (orderLatencyMs === 0) node.dispatch({ type: "order", order });
        else this.clock.schedule(orderLatencyMs, () => node.dispatch({ type: "order", order }));
      },
    };
    this.#living = { agent, node, executors, link };
    this.#master.node.attach(id, link);
    node.start(recall(this.#facts));
  }

  /** The agent dies; its executors do not. The master finds its connection broken. */
  killAgent(): void {
    const living = this.#living;
    if (living === undefined) return;
    this.#living = undefined;
    living.node.close();
    this.#master.node.detach(this.agentId, living.link);
  }

  /** The agent dies, and with it its executors and all that it remembers. */
  wipeAgent(): void {
    this.killAgent();
    for (const { containerId } of this.containers.launched) this.containers.vanish(containerId);
    this.#facts = [];
    this.#agentId = undefined;
  }

  /** The agent leaves in order. */
  leaveAgent(): void {
    this.#living?.node.dispatch({ type: "leave" });
  }

  /** The master dies. */
  killMaster(): void {
    this.#living?.node.dispatch({ type: "link", up: false });
    this.#master.node.close();
  }

  /** The master dies, and another one takes its place; the agent is not back until {@link findMaster}. */
  replaceMaster(): void {
    this.killMaster();
    this.#master = this.#newMaster(this.#agentId === undefined ? [] : [this.#agentId]);
    this.#master.node.start();
  }

  findMaster(): void {
    if (this.#living === undefined) return;
    this.#master.node.attach(this.agentId, this.#living.link);
    this.#living.node.dispatch({ type: "link", up: true });
  }

  /** Lets what waits for the end of the turn happen, without any time passing. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #newMaster(recovering: readonly AgentId[]): LivingMaster {
    const names = Object.keys(defaultMasterSettings) as (keyof typeof defaultMasterSettings)[];
    const given = Object.fromEntries(
      names.flatMap((name) => (this.#options[name] === undefined ? [] : [[name, this.#options[name]]])),
    ) as Partial<MasterSettings>;
    const masterInfo: MasterInfo = {
      id: formatUuid(uuidBytes(this.#random)),
      ip: 16_777_343,
      port: masterPort,
      pid: `master@127.0.0.1:${masterPort}`,
      hostname: "127.0.0.1",
      version: "1.12.0",
      address: { hostname: "127.0.0.1", ip: "127.0.0.1", port: masterPort },
      capabilities: masterCapabilities.map((type) => ({ type })),
    };
    const settings = { ...defaultMasterSettings, ...given, masterInfo, startedMs: this.clock.wallMs() };
    const master = new Master(settings, this.#random, recovering);
    const schedulers = new SchedulerEndpoint({
      random: this.#random,
      master,
      credentials: settings.credentials,
      onEvent: (event) => node.dispatch(event),
    });
    const node = new MasterNode({ master, schedulers, clock: this.clock, log: silentLogger });
    return { master, node, schedulers, settings };
  }

  #settings(id: AgentId): AgentSettings {
    const endpoint = { hostname: "127.0.0.1", ip: "127.0.0.1", port: agentPort };
    const ports: Resource = { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31_000, end: 31_099 }] } };
    const { executorRegistrationTimeoutMs = 60_000, executorReregistrationTimeoutMs = 2000 } = this.#options;
    return {
      id,
      info: {
        id,
        hostname: "127.0.0.1",
        port: agentPort,
        // In the order in which the recorded agent offers them.
        resources: [ports, scalar("cpus", 4), scalar("mem", 2048), scalar("disk", 4096)],
        attributes: [
          { name: "rack", type: "TEXT", text: { value: "r0" } },
          { name: "zone", type: "TEXT", text: { value: "z1" } },
        ],
      },
      endpoint,
      processName: "slave(1)",
      builtInExecutor: ["mesos-executor"],
      executorRegistrationTimeoutMs,
      executorReregistrationTimeoutMs,
      executorShutdownGraceMs: 5000,
      recoveryTimeoutMs: this.#options.recoveryTimeoutMs ?? 900_000,
      startedMs: this.clock.wallMs(),
      masterHostname: "localhost",
      workDir: this.#options.workDir ?? "/work",
    };
  }
}
