import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { Agent } from "../../../src/local/mesos/agent/agent.ts";
import type { AgentSettings } from "../../../src/local/mesos/agent/agent-types.ts";
import { ExecutorEndpoint } from "../../../src/local/mesos/agent/executor-endpoint.ts";
import { Cluster } from "../../../src/local/mesos/cluster.ts";
import type { ContainerLaunch } from "../../../src/local/mesos/containers/containerizer.ts";
import type { HttpAnswer } from "../../../src/local/mesos/http/answer.ts";
import type { HttpRequest } from "../../../src/local/mesos/http/request-parser.ts";
import { Master } from "../../../src/local/mesos/master/master.ts";
import { SchedulerEndpoint } from "../../../src/local/mesos/master/scheduler-endpoint.ts";
import { routeAgent, routeMaster } from "../../../src/local/mesos/routes.ts";
import type { AgentId, ContainerId, Resource } from "../../../src/mesos/types.ts";
import { ManualClock } from "../manual-clock.ts";

export interface VirtualMesosOptions {
  readonly allocationIntervalMs?: number;
  readonly executorRegistrationTimeoutMs?: number;
}

const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });

/**
 * The embedded Mesos without sockets and processes, under a clock that the test moves: a master, one agent with 4 cpus
 * and 2048 MB, and executors that the test plays.
 */
export class VirtualMesos {
  readonly clock = new ManualClock();
  readonly launched: ContainerLaunch[] = [];
  readonly agentId = "agent-S0" as AgentId;
  readonly #master: Master;
  readonly #cluster: Cluster;
  readonly #schedulers: SchedulerEndpoint;
  readonly #executors: ExecutorEndpoint;
  readonly #gone = new Set<ContainerId>();

  constructor({ allocationIntervalMs = 1000, executorRegistrationTimeoutMs = 60_000 }: VirtualMesosOptions = {}) {
    const random = seededRandom(1);
    const masterInfo = { id: "master", ip: 0, port: 5050 };
    this.#master = new Master({ masterInfo, allocationIntervalMs, heartbeatIntervalMs: 15_000 }, random);
    this.#schedulers = new SchedulerEndpoint({
      random,
      refusal: (frameworkId, streamId) => this.#master.refusal(frameworkId, streamId),
      onEvent: (event) => this.#cluster.toMaster(event),
    });
    this.#cluster = new Cluster({
      clock: this.clock,
      log: silentLogger,
      master: this.#master,
      schedulers: this.#schedulers,
    });
    const agent = new Agent(this.#agentSettings(executorRegistrationTimeoutMs), random);
    this.#executors = new ExecutorEndpoint({
      refusal: (frameworkId, executorId, type) => agent.refusal(frameworkId, executorId, type),
      onEvent: (event) => this.#cluster.toAgent(this.agentId, event),
    });
    this.#cluster.start();
    const containers = {
      launch: (container: ContainerLaunch) => {
        this.launched.push(container);
      },
      adopt: () => undefined,
      update: () => undefined,
      destroy: (containerId: ContainerId) => this.exit(containerId, 9),
    };
    const journal = { append: () => undefined };
    this.#cluster.addAgent({ id: this.agentId, agent, endpoint: this.#executors, containers, journal }, new Map());
  }

  /** As the master answers it, or the agent for paths of the executor API. */
  handle(request: HttpRequest): HttpAnswer {
    if (request.path.includes("/executor")) return routeAgent(request, "slave(1)", this.#executors);
    return routeMaster(request, this.#schedulers, this.#master.state);
  }

  /** Ends an executor's process; a second time is nothing. */
  exit(containerId: ContainerId, waitStatus: number): void {
    if (this.#gone.has(containerId)) return;
    this.#gone.add(containerId);
    this.#cluster.toAgent(this.agentId, { type: "exited", containerId, waitStatus });
  }

  /** Lets what waits for the end of the turn happen, without any time passing. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #agentSettings(executorRegistrationTimeoutMs: number): AgentSettings {
    const endpoint = { hostname: "127.0.0.1", ip: "127.0.0.1", port: 5051 };
    const ports: Resource = { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31_000, end: 31_099 }] } };
    return {
      id: this.agentId,
      info: {
        id: this.agentId,
        hostname: "127.0.0.1",
        port: 5051,
        // In the order in which the recorded agent offers them.
        resources: [ports, scalar("cpus", 4), scalar("mem", 2048), scalar("disk", 4096)],
        attributes: [
          { name: "rack", type: "TEXT", text: { value: "r0" } },
          { name: "zone", type: "TEXT", text: { value: "z1" } },
        ],
      },
      endpoint,
      processName: "slave(1)",
      builtInExecutor: [],
      executorRegistrationTimeoutMs,
      executorReregistrationTimeoutMs: 2000,
      executorShutdownGraceMs: 5000,
    };
  }
}
