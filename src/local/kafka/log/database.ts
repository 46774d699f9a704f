import { Database, type SQLQueryBindings, type Statement } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../../base/errors.ts";
import { StorageError } from "./errors.ts";

/** Small pages make small commits cheap (a commit writes whole pages), large ones large batches. Measured: a middle. */
const PAGE_BYTES = 8192;
/** The write-ahead log is carried over into the database when it is this large: rarely, since that waits for the disk. */
const CHECKPOINT_BYTES = 32 * 1024 * 1024;
/** The system caches the file as well: 16 MB here made nothing faster. */
const CACHE_KIBIBYTES = 2 * 1024;

/*
 * - A partition's number never comes back, so that rows of a deleted topic, which are removed bit by bit, cannot show
 *   up in a topic made anew under its name.
 * - `batches` keeps each record batch as clients get it. What is looked up stands in `batch_positions`, which covers
 *   its queries: seeking and planning a fetch never touches the bytes.
 * - `producer_batches` finds the last batches of an idempotent producer, so that its state needs no table of its own
 *   and can never differ from the log.
 */
const FIRST_SCHEMA = `
  CREATE TABLE settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE topics (name TEXT PRIMARY KEY, configs TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE partitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    number INTEGER NOT NULL,
    log_start_offset INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, number)
  );
  CREATE TABLE removed_partitions (id INTEGER PRIMARY KEY);
  CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    partition INTEGER NOT NULL,
    base_offset INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    max_timestamp_ms INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    producer_id INTEGER NOT NULL,
    producer_epoch INTEGER NOT NULL,
    base_sequence INTEGER NOT NULL,
    bytes BLOB NOT NULL
  );
  CREATE INDEX batch_positions ON batches (partition, base_offset, last_offset, size_bytes, max_timestamp_ms);
  CREATE INDEX producer_batches ON batches (partition, producer_id, base_offset) WHERE producer_id >= 0;
  CREATE TABLE groups (id TEXT PRIMARY KEY, protocol_type TEXT NOT NULL, generation INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE group_offsets (
    group_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    committed_offset INTEGER NOT NULL,
    leader_epoch INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    PRIMARY KEY (group_id, topic, partition)
  ) WITHOUT ROWID;
`;

/*
 * - `transactions` has a row for each transactional id; the other `transaction_` tables hold what belongs to ongoing
 *   ones, by their producer: the partitions they may write to, with the offset of what they wrote first; the groups they
 *   may commit for; and what they are about to commit.
 * - `aborted_transactions` tells readers of committed records what to leave out.
 */
const TRANSACTIONS = `
  CREATE TABLE transactions (
    id TEXT PRIMARY KEY,
    producer_id INTEGER NOT NULL,
    producer_epoch INTEGER NOT NULL,
    previous_producer_id INTEGER NOT NULL,
    last_producer_epoch INTEGER NOT NULL,
    timeout_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    started_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE transaction_partitions (
    producer_id INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    first_offset INTEGER,
    PRIMARY KEY (producer_id, partition)
  ) WITHOUT ROWID;
  CREATE TABLE transaction_groups (
    producer_id INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    PRIMARY KEY (producer_id, group_id)
  ) WITHOUT ROWID;
  CREATE TABLE transaction_offsets (
    group_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    producer_id INTEGER NOT NULL,
    committed_offset INTEGER NOT NULL,
    leader_epoch INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    PRIMARY KEY (group_id, topic, partition, producer_id)
  ) WITHOUT ROWID;
  CREATE INDEX transaction_offset_producers ON transaction_offsets (producer_id);
  CREATE TABLE aborted_transactions (
    partition INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    producer_id INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    stable_offset INTEGER NOT NULL,
    PRIMARY KEY (partition, last_offset)
  ) WITHOUT ROWID;
`;

/**
 * Batches of which only the producer's sequence is left, until that is forgotten too. They stand before the beginning of
 * their log, and have the time when they were emptied in place of their records'.
 */
const HOLLOW_BATCHES = "CREATE INDEX hollow_batches ON batches (max_timestamp_ms) WHERE size_bytes = 0";

/** What a topic is known by besides its name: it tells one that was made anew from the one before. */
const TOPIC_IDS = "ALTER TABLE topics ADD COLUMN topic_id TEXT NOT NULL DEFAULT ''";

/** Each brings a database from the format of its place to the next one. Those that were released never change. */
const MIGRATIONS: readonly string[] = [FIRST_SCHEMA, TRANSACTIONS, TOPIC_IDS, HOLLOW_BATCHES];

export interface DatabaseOptions {
  /** Folder of `kafka.db`; null keeps everything in memory. */
  readonly dataDir: string | null;
  /** Whether each commit waits for the disk, and so survives power loss; without it, it survives `kill -9`. */
  readonly sync: boolean;
}

/**
 * The broker's database: SQLite, with its statements prepared once. One process has it at a time.
 *
 * It keeps its statements to end them at {@link close}: while one lives, SQLite holds file and lock, and the same
 * folder could not be opened again in this process.
 */
export class BrokerDatabase {
  readonly #database: Database;
  readonly #statements: Statement[] = [];
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollBack: Statement;

  constructor(database: Database) {
    this.#database = database;
    // Immediate: a database that cannot be written refuses here, and not at the first change.
    this.#begin = this.prepare("BEGIN IMMEDIATE");
    this.#commit = this.prepare("COMMIT");
    this.#rollBack = this.prepare("ROLLBACK");
  }

  prepare<Row = unknown>(sql: string): Statement<Row> {
    const statement = this.#database.prepare<Row, SQLQueryBindings[]>(sql);
    this.#statements.push(statement);
    return statement;
  }

  /** One statement that is not worth preparing. */
  run(sql: string, ...values: readonly SQLQueryBindings[]): void {
    this.#database.run(sql, [...values]);
  }

  /** Commits what `change` does, or nothing of it. Not to be nested. */
  transaction<Result>(change: () => Result): Result {
    this.#begin.run();
    try {
      const result = change();
      this.#commit.run();
      return result;
    } catch (error) {
      // After some errors (disk full, out of memory) SQLite has rolled back by itself.
      if (this.#database.inTransaction) this.#rollBack.run();
      throw error;
    }
  }

  /** Carries the write-ahead log over into the database and closes it. */
  close(): void {
    for (const statement of this.#statements) statement.finalize();
    this.#database.close();
  }
}

/**
 * Opens the broker's database and makes its tables.
 *
 * @throws {StorageError} the folder cannot be written, another broker has it, or a newer Brigade made it
 */
export function openDatabase({ dataDir, sync }: DatabaseOptions): BrokerDatabase {
  const path = dataDir === null ? ":memory:" : join(dataDir, "kafka.db");
  let raw: Database | undefined;
  try {
    if (dataDir !== null) mkdirSync(dataDir, { recursive: true });
    raw = new Database(path, { create: true, strict: true });
    configure(raw, sync);
    const database = new BrokerDatabase(raw);
    migrate(database, path);
    return database;
  } catch (error) {
    raw?.close();
    if (error instanceof StorageError) throw error;
    const why = errorCode(error) === "SQLITE_BUSY" ? ": another broker has it open" : "";
    throw new StorageError(`Cannot open Kafka's data in ${path}${why}`, { cause: error });
  }
}

function configure(database: Database, sync: boolean): void {
  database.run(`PRAGMA page_size = ${PAGE_BYTES}`);
  // Exclusive also keeps SQLite's index of the write-ahead log in plain memory, without a shared file.
  database.run("PRAGMA locking_mode = EXCLUSIVE");
  database.run("PRAGMA journal_mode = WAL");
  database.run(`PRAGMA synchronous = ${sync ? "FULL" : "NORMAL"}`);
  database.run(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_BYTES / PAGE_BYTES}`);
  database.run(`PRAGMA cache_size = -${CACHE_KIBIBYTES}`);
  database.run("PRAGMA temp_store = MEMORY");
}

function migrate(database: BrokerDatabase, path: string): void {
  const found = database.prepare<{ user_version: number }>("PRAGMA user_version").get()?.user_version ?? 0;
  if (found > MIGRATIONS.length) {
    database.close();
    throw new StorageError(
      `Cannot open Kafka's data in ${path}: its format is ${found}, must be at most ${MIGRATIONS.length}`,
    );
  }
  // Also takes the lock, which a mere read would leave to the first write.
  database.transaction(() => {
    for (const migration of MIGRATIONS.slice(found)) database.run(migration);
    database.run(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}
