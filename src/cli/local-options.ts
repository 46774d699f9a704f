import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { UsageError } from "../base/errors.ts";
import type { HostPort } from "../config/settings.ts";
import type { AgentsOptions } from "../local/local.ts";
import type { Ports } from "../local/ports.ts";
import { type CliIo, parseCliArgs } from "./command.ts";
import { hostPorts, positiveNumber, wholeNumber } from "./options.ts";

export interface LocalOptions {
  readonly processors: string;
  /** Whether somebody asked for just that path. */
  readonly processorsGiven: boolean;
  /** undefined: a temporary folder, removed at the end. */
  readonly data: string | undefined;
  readonly agents: AgentsOptions;
  /** Brokers of a Kafka that is there already; undefined: the embedded one. */
  readonly kafka: readonly HostPort[] | undefined;
  /** 0: a free one, or nobody listens there. */
  readonly ports: Ports;
  readonly scheduler: boolean;
}

/** Programs on a laptop wait more than they compute: twice its cores, so that a chain of processors moves. */
const DEFAULT_CPUS = Math.max(4, 2 * availableParallelism());
const DEFAULT_MEM_MB = 4096;

export const localUsage = `Usage: brigade local [OPTIONS]

Runs everything on this machine: an embedded Mesos and Kafka in processes of their own, and the scheduler with its API.
Prints one line when all of it is ready:

    brigade ready api=http://127.0.0.1:7000 kafka=127.0.0.1:9092 mesos=127.0.0.1:5050

Ctrl-C waits for the programs that run, and ends everything; a second one kills them. Logs go to standard error.

  --processors PATH    processor files: a folder, or one file (default ./processors); changes apply at once
  --data DIR           keeps topics, offsets and state here (default: a temporary folder, removed at the end)
  --agents N           number of Mesos agents (default 1)
  --cpus C             cpus of each agent (default here ${DEFAULT_CPUS})
  --mem M              memory of each agent in MB (default ${DEFAULT_MEM_MB})
  --kafka HOST:PORT[,HOST:PORT]
                       uses a Kafka that runs already, and starts none; topics that are missing there are made, unless
                       TOPICS_CREATE is false
  --kafka-port PORT    default 9092; 0 takes a free port, which is kept under --data
  --mesos-port PORT    default 5050
  --api-port PORT      default 7000
  --no-scheduler       only Mesos and Kafka, for a scheduler of its own (brigade scheduler)

Settings such as LOG_LEVEL and STOP_TIMEOUT are taken from the environment.
`;

/** @throws {UsageError} */
export function parseLocalOptions(args: readonly string[], io: Pick<CliIo, "cwd">): LocalOptions {
  const { values } = parseCliArgs({
    args: [...args],
    options: {
      processors: { type: "string" },
      data: { type: "string" },
      agents: { type: "string", default: "1" },
      cpus: { type: "string", default: String(DEFAULT_CPUS) },
      mem: { type: "string", default: String(DEFAULT_MEM_MB) },
      kafka: { type: "string" },
      "kafka-port": { type: "string" },
      "mesos-port": { type: "string", default: "5050" },
      "api-port": { type: "string", default: "7000" },
      "no-scheduler": { type: "boolean", default: false },
    },
  });
  if (values.kafka !== undefined && values["kafka-port"] !== undefined) {
    throw new UsageError("--kafka and --kafka-port exclude each other: a Kafka that runs already has its port");
  }
  const scheduler = !values["no-scheduler"];
  const apiPort = wholeNumber("--api-port", values["api-port"], 0, 65_535);
  const kafkaPort = values["kafka-port"] ?? (values.kafka === undefined ? "9092" : "0");
  return {
    processors: resolve(io.cwd, values.processors ?? "processors"),
    processorsGiven: values.processors !== undefined,
    data: values.data === undefined ? undefined : resolve(io.cwd, values.data),
    agents: {
      count: wholeNumber("--agents", values.agents, 1, 100),
      cpus: positiveNumber("--cpus", values.cpus),
      memMb: wholeNumber("--mem", values.mem, 32, 2 ** 30),
    },
    kafka: values.kafka === undefined ? undefined : hostPorts("--kafka", values.kafka),
    ports: {
      kafka: wholeNumber("--kafka-port", kafkaPort, 0, 65_535),
      mesos: wholeNumber("--mesos-port", values["mesos-port"], 0, 65_535),
      // Without a scheduler it is somebody else's business.
      api: scheduler ? apiPort : 0,
    },
    scheduler,
  };
}
