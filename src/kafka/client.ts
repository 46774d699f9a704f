import { connect as connectPlain, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { type Cluster, Kafka, type KafkaConfig, logLevel, PartitionAssigners } from "kafkajs";
import { invariant } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { HostPort } from "../config/settings.ts";
import { isUnreachable } from "./errors.ts";
import { guardConnections } from "./guarded-connection.ts";
import { ProtocolError } from "./protocol/errors.ts";
import { mendRequestQueue } from "./request-queue.ts";
import type { WireCluster } from "./wire.ts";

export interface KafkaClientOptions {
  /** Brokers to ask first; the others are learnt from them. */
  readonly brokers: readonly HostPort[];
  /** Shown in the brokers' logs and quotas: `brigade-<processor>`. */
  readonly clientId: string;
  readonly log: Logger;
  readonly ssl?: KafkaConfig["ssl"];
  readonly sasl?: KafkaConfig["sasl"];
  /** Time for one answer, ms; requests that may wait at the broker get more by themselves. Default 30 000. */
  readonly requestTimeoutMs?: number;
}

const CONNECTION_TIMEOUT_MS = 5000;
const KEEP_ALIVE_MS = 60_000;
/** kafkajs refreshes its metadata by itself only after this; we do it when we need to. */
const METADATA_MAX_AGE_MS = 300_000;

/**
 * One user of Kafka: its connections live and die together. Cheap to make; nothing is connected until it is used.
 *
 * kafkajs waits for the answers to all requests under way before it closes a connection, a long poll included, and for
 * ever where the broker hangs. So the sockets are kept here, and {@link KafkaClient.close} ends them.
 */
export class KafkaClient {
  readonly log: Logger;
  readonly #brokers: readonly HostPort[];
  readonly #kafka: Kafka;
  readonly #sockets = new Set<Socket>();
  #closed = false;

  constructor(options: KafkaClientOptions) {
    this.log = options.log;
    this.#brokers = options.brokers;
    mendRequestQueue();
    guardConnections();
    this.#kafka = new Kafka({
      clientId: options.clientId,
      brokers: options.brokers.map(({ host, port }) => `${nameOf(host)}:${port}`),
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: options.requestTimeoutMs ?? 30_000,
      // What fails is repeated by us, where it can be seen, stopped and reported.
      retry: { retries: 0 },
      logLevel: logLevel.WARN,
      logCreator: () => (entry) => this.#record(entry.namespace, entry.level, entry.log),
      socketFactory: ({ host, port, ssl, onConnect }) => this.#openSocket(host, port, ssl, onConnect),
      ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
      ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    });
  }

  /** For what is administered through kafkajs' own Admin. The caller disconnects it. */
  get kafka(): Kafka {
    return this.#kafka;
  }

  /**
   * A cluster of kafkajs: metadata and connections. The only public way to one is to be a partition assigner of a
   * consumer, so a consumer is made, and never used.
   */
  openCluster(): WireCluster {
    let cluster: Cluster | undefined;
    this.#kafka.consumer({
      groupId: "none",
      allowAutoTopicCreation: false,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      partitionAssigners: [
        (config) => {
          cluster = config.cluster;
          return PartitionAssigners.roundRobin(config);
        },
      ],
    });
    invariant(cluster !== undefined, "kafkajs did not hand its cluster to the assigner");
    return cluster as unknown as WireCluster;
  }

  /**
   * Connects to the first broker that can be reached, of those to ask first.
   *
   * After a failure kafkajs would take the next one when it tries again, and it is told not to try again: so each is one
   * try here.
   */
  async connect(what: { connect(): Promise<void> }): Promise<void> {
    for (let left = this.#brokers.length - 1; ; left--) {
      try {
        return await what.connect();
      } catch (error) {
        if (left <= 0 || this.#closed || !isUnreachable(error)) throw error;
      }
    }
  }

  /** Ends every connection at once; what is under way fails. Idempotent. */
  close(): void {
    this.#closed = true;
    // With an error kafkajs fails what waits for an answer; without one it would go on waiting.
    for (const socket of this.#sockets) socket.destroy(new Error("closed by this client"));
    this.#sockets.clear();
  }

  #openSocket(name: string, port: number, ssl: ConnectionOptions | undefined, onConnect: () => void): Socket {
    if (this.#closed) throw new Error("closed by this client");
    const host = hostOf(name);
    const socket = ssl
      ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
      : connectPlain({ host, port }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setNoDelay(true);
    // kafkajs unrefs the last socket once more with each failed attempt, and Bun adds a listener for each time.
    socket.setMaxListeners(0);
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.once("error", (error) => {
      if (!(error instanceof ProtocolError)) return;
      const fields = { broker: `${host}:${port}`, reason: error.message };
      this.log.warn("connection to kafka closed: the broker does not speak the protocol", fields);
    });
    return socket;
  }

  /** kafkajs logs each failed request as an error, and we repeat them: to us they are details. Payloads never pass. */
  #record(namespace: string, level: logLevel, content: { message: string; [name: string]: unknown }): void {
    if (this.#closed) return;
    const fields: Record<string, unknown> = { part: namespace, detail: content.message };
    for (const name of ["broker", "error", "groupId", "retryCount"]) {
      if (content[name] !== undefined) fields[name] = content[name];
    }
    if (level === logLevel.ERROR || level === logLevel.WARN) this.log.debug("kafkajs reports", fields);
  }
}

/*
 * Of a broker's text kafkajs takes what stands before the first colon for its host: to it an IPv6 address is a name
 * without colons.
 */
const IPV6_NAME = /^([0-9a-f.-]+)\.ipv6\.invalid$/i;

function nameOf(host: string): string {
  return isIP(host) === 6 ? `${host.replaceAll(":", "-")}.ipv6.invalid` : host;
}

function hostOf(name: string): string {
  return IPV6_NAME.exec(name)?.[1]?.replaceAll("-", ":") ?? name;
}
