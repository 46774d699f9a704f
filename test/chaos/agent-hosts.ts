import type { BrigadeProcess } from "../support/e2e/brigade-process.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { processesOf } from "../support/e2e/leftovers.ts";
import type { World } from "../support/e2e/world.ts";

const NAMES = ["one", "two", "three"] as const;
/** A silent agent is given up after two seconds, so that a short stop is enough. */
const MASTER_ARGS = [
  ...["--listen", "127.0.0.1:0", "--allocation-interval", "100ms"],
  ...["--agent-ping-timeout", "500ms", "--max-agent-ping-timeouts", "4"],
];

/** A Mesos master and agents in processes of their own, each agent with a folder that stands for its host. */
export class AgentHosts {
  readonly #world: World;
  readonly #agents = new Map<string, BrigadeProcess>();
  #master: BrigadeProcess | undefined;
  #address = "";

  constructor(world: World) {
    this.#world = world;
  }

  /** The master's; known after the first start. */
  get address(): string {
    return this.#address;
  }

  /** Starts whatever does not run. An agent that was killed finds its executors again. */
  async start(): Promise<void> {
    if (this.#master === undefined) {
      this.#master = this.#world.start(["mesos", "master", ...MASTER_ARGS]);
      [, this.#address = ""] = await this.#master.says(/^brigade ready mesos-master=(\S+)$/m);
    }
    for (const name of NAMES) {
      if (this.#agents.get(name)?.hasExited === false) continue;
      const where = ["--master", this.#address, "--data", this.#folder(name)];
      const agent = this.#world.start(["mesos", "agent", ...where, "--resources", "cpus:4;mem:4096"]);
      this.#agents.set(name, agent);
      await agent.says(/^brigade ready mesos-agent=/m);
    }
  }

  /** Of each agent that runs. */
  get agents(): readonly number[] {
    return [...this.#agents.values()].filter(({ hasExited }) => !hasExited).map(({ pid }) => pid);
  }

  /** All that runs on the agent's host, the agent itself among it. */
  onHostOf(agent: number): readonly number[] {
    const found = [...this.#agents].find(([, { pid }]) => pid === agent);
    return found === undefined ? [] : processesOf(this.#folder(found[0])).map(({ pid }) => pid);
  }

  /** Waits until these agents have ended. */
  async gone(agents: readonly number[]): Promise<void> {
    await eventually("the agents have ended", () => !this.agents.some((pid) => agents.includes(pid)));
  }

  /** The executors end with their agents. */
  async end(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.end("SIGUSR1")));
    await this.#master?.end("SIGTERM");
  }

  /** Nothing that does not run there has it in its command line. */
  #folder(name: string): string {
    return this.#world.path("hosts", name);
  }
}
