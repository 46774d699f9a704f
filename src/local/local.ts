import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { HostPort } from "../config/settings.ts";
import { EngineProcess } from "./engine-process.ts";
import type { Ports } from "./ports.ts";

export interface AgentsOptions {
  readonly count: number;
  /** Of each agent. */
  readonly cpus: number;
  readonly memMb: number;
}

export interface LocalEnginesOptions {
  /** Where the engines keep what they have. */
  readonly folder: string;
  readonly ports: Ports;
  /** Brokers of a Kafka that is there already: no other is started. undefined: the embedded one. */
  readonly kafka: readonly HostPort[] | undefined;
  readonly agents: AgentsOptions;
  /** argv of this program with these arguments. */
  readonly self: (args: readonly string[]) => readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** The embedded Mesos and, unless there is another, the embedded Kafka, each in a process of its own, as on a cluster. */
export class LocalEngines {
  readonly #processes: readonly EngineProcess[];
  readonly mesos: HostPort;
  readonly kafka: readonly HostPort[];

  private constructor(processes: readonly EngineProcess[], mesos: HostPort, kafka: readonly HostPort[]) {
    this.#processes = processes;
    this.mesos = mesos;
    this.kafka = kafka;
  }

  /** @throws {EngineStartError} one of them did not start; then none is left running */
  static async start(options: LocalEnginesOptions): Promise<LocalEngines> {
    const { folder, ports, agents, self } = options;
    const size = ["--agents", `${agents.count}`, "--cpus", `${agents.cpus}`, "--mem", `${agents.memMb}`];
    const mesosArgs = ["local-mesos", "--port", `${ports.mesos}`, "--folder", `${folder}/mesos`, ...size];
    const kafkaArgs = ["local-kafka", "--port", `${ports.kafka}`, "--folder", `${folder}/kafka`];
    const mesos = new EngineProcess({ ...options, name: "mesos", command: self(mesosArgs) });
    const kafka = new EngineProcess({ ...options, name: "kafka", command: self(kafkaArgs) });
    const brokers = options.kafka ?? kafka.start().then((address) => [address]);
    const started = await Promise.allSettled([mesos.start(), brokers]);
    const [mesosAt, kafkaAt] = started;
    if (mesosAt.status === "fulfilled" && kafkaAt.status === "fulfilled") {
      return new LocalEngines([mesos, kafka], mesosAt.value, kafkaAt.value);
    }
    await Promise.all([mesos.close(), kafka.close()]);
    throw started.find((one) => one.status === "rejected")?.reason;
  }

  /** Ends those that were started, with everything that runs on the agents. Idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.close()));
  }
}
