import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { type Random, uuidBytes } from "../../base/random.ts";
import type { BrokerConfig } from "./broker-config.ts";
import { FetchSessions } from "./fetching/fetch-sessions.ts";
import { GroupCoordinator } from "./groups/coordinator.ts";
import { OffsetStore } from "./groups/offset-store.ts";
import { Housekeeper } from "./housekeeper.ts";
import type { BrokerDatabase } from "./log/database.ts";
import { GroupCommit } from "./log/group-commit.ts";
import { BrokerSettings } from "./log/settings.ts";
import { TopicCatalog } from "./log/topic-catalog.ts";
import type { BrokerEndpoint } from "./messages/metadata.ts";
import { TransactionCoordinator } from "./transactions/coordinator.ts";
import { TransactionStore } from "./transactions/transaction-store.ts";

export interface BrokerOptions {
  readonly database: BrokerDatabase;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What request handlers work with: the parts of one broker, without sockets. */
export class Broker {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly topics: TopicCatalog;
  readonly commits: GroupCommit;
  readonly offsets: OffsetStore;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly settings: BrokerSettings;
  readonly fetchSessions: FetchSessions;
  readonly housekeeper: Housekeeper;
  readonly clusterId: string;
  readonly #database: BrokerDatabase;
  #endpoint: BrokerEndpoint;
  #closed = false;

  constructor({ database, config, clock, random, log }: BrokerOptions) {
    this.config = config;
    this.clock = clock;
    this.log = log;
    this.#database = database;
    const transactionStore = new TransactionStore(database);
    const newTopicId = (): string => Buffer.from(uuidBytes(random)).toString("hex");
    this.topics = new TopicCatalog({ database, config, transactions: transactionStore, newTopicId });
    this.commits = new GroupCommit(database, log);
    this.offsets = new OffsetStore(database);
    this.groups = new GroupCoordinator({ offsets: this.offsets, config, clock, random, log });
    this.fetchSessions = new FetchSessions(config.fetchSessionSlots, random);
    this.settings = new BrokerSettings(database);
    this.transactions = new TransactionCoordinator({
      store: transactionStore,
      topics: this.topics,
      offsets: this.offsets,
      settings: this.settings,
      commits: this.commits,
      config,
      clock,
      log,
    });
    this.transactions.start();
    this.housekeeper = new Housekeeper({
      topics: this.topics,
      transactions: this.transactions,
      clock,
      log,
      retentionCheckMs: config.logRetentionCheckIntervalMs,
    });
    this.clusterId = this.settings.clusterId(() => Buffer.from(uuidBytes(random)).toString("base64url"));
    this.#endpoint = { nodeId: config.nodeId, host: "", port: 0 };
  }

  /** Where clients are told to connect. */
  get endpoint(): BrokerEndpoint {
    return this.#endpoint;
  }

  /** Known once the server listens, since port 0 lets the system choose. */
  announceAt(host: string, port: number): void {
    this.#endpoint = { nodeId: this.config.nodeId, host, port };
  }

  /** Writes what waits, and closes the database. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.housekeeper.stop();
    this.groups.close();
    this.transactions.close();
    this.commits.flush();
    this.#database.close();
  }
}
