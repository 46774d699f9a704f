import type { Clock } from "../../base/clock.ts";
import { errorCode, InputError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { type Random, systemRandom } from "../../base/random.ts";
import { Broker } from "./broker.ts";
import { type BrokerConfig, defaultBrokerConfig } from "./broker-config.ts";
import { openDatabase } from "./log/database.ts";
import { KafkaServer } from "./server.ts";

export interface KafkaOptions {
  /** Address to listen at. Default `127.0.0.1`. */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Folder of the data, made where it is missing; null keeps everything in memory. */
  readonly dataDir: string | null;
  /** Where clients are told to connect. Default: where it listens, or the loopback where that is every address. */
  readonly advertised?: KafkaAddress;
  /** Partitions of a topic that is made without a number. Default 1. */
  readonly defaultPartitions?: number;
  /** Whether asking for an unknown topic makes it. Default true. */
  readonly autoCreateTopics?: boolean;
  /** Whether what is acknowledged survives power loss, and not only `kill -9`. Default false. */
  readonly sync?: boolean;
  /** What else an administrator of Kafka may set. */
  readonly config?: Partial<BrokerConfig>;
  readonly clock: Clock;
  readonly log: Logger;
  /** For cluster and member ids. Default: the system's. */
  readonly random?: Random;
}

export interface KafkaAddress {
  readonly host: string;
  readonly port: number;
}

export interface EmbeddedKafka extends AsyncDisposable {
  /** Where it listens. */
  readonly address: KafkaAddress;
  /** Where clients are told to connect. */
  readonly advertised: KafkaAddress;
  /** Cuts all connections and closes the data. Idempotent. */
  close(): Promise<void>;
}

const EVERY_ADDRESS = new Set(["0.0.0.0", "::", ""]);
const LOOPBACK = "127.0.0.1";

/**
 * Starts a Kafka broker of one node in this process. Ordinary clients can use it; what it serves is told by ApiVersions.
 *
 * @throws {InputError} the port is taken, or the address is not this machine's
 * @throws {StorageError} the data cannot be opened
 */
export async function startKafka(options: KafkaOptions): Promise<EmbeddedKafka> {
  const { host = LOOPBACK, port, dataDir, sync = false, clock, log, random = systemRandom } = options;
  const config: BrokerConfig = {
    ...defaultBrokerConfig,
    ...options.config,
    ...(options.defaultPartitions === undefined ? {} : { defaultPartitions: options.defaultPartitions }),
    ...(options.autoCreateTopics === undefined ? {} : { autoCreateTopics: options.autoCreateTopics }),
  };
  const broker = new Broker({ database: openDatabase({ dataDir, sync }), config, clock, random, log });
  const server = new KafkaServer({ broker, host, port, clock, log });
  const listeningAt = startListening(server, broker, host, port);
  const reachable = { host: EVERY_ADDRESS.has(host) ? LOOPBACK : host, port: listeningAt };
  const advertised = options.advertised ?? reachable;
  broker.announceAt(advertised.host, advertised.port);
  broker.housekeeper.start();
  log.info("kafka is up", { host, port: listeningAt, data: dataDir ?? "in memory" });
  const close = (): Promise<void> => {
    server.stop();
    broker.close();
    return Promise.resolve();
  };
  return { address: { host, port: listeningAt }, advertised, close, [Symbol.asyncDispose]: close };
}

function startListening(server: KafkaServer, broker: Broker, host: string, port: number): number {
  try {
    return server.start();
  } catch (error) {
    broker.close();
    const why = errorCode(error) === "EADDRINUSE" ? "the port is taken" : "the system refuses it";
    throw new InputError(`Cannot listen for Kafka clients at ${host}:${port}: ${why}`, { cause: error });
  }
}
