import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { assertNever, invariant } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { type Random, randomInt } from "../base/random.ts";
import { StepLoop } from "../base/step-loop.ts";
import type { Acl } from "./acl.ts";
import { isRefusal, type SessionEndedError, ZooKeeperProtocolError, ZooKeeperRefusedError } from "./errors.ts";
import { JuteReader } from "./jute-reader.ts";
import {
  anyVersion,
  type Children,
  createNode,
  deleteNode,
  type NodeData,
  type NodeKind,
  nodeExists,
  type Operation,
  readChildren,
  readNode,
  syncPath,
  transaction,
  writeNode,
} from "./operations.ts";
import { type ServerAddress, ServerConnection } from "./server-connection.ts";
import { Session, type SessionCommand, type SessionEvent, type SessionNews } from "./session.ts";
import type { Stat } from "./stat.ts";
import { type WatchKind, WatchTable } from "./watch-table.ts";
import type { WatchOptions, ZooKeeper } from "./zookeeper.ts";

export interface ZooKeeperClientOptions {
  readonly servers: readonly ServerAddress[];
  /** `user:password`. Never logged. */
  readonly credentials?: string | undefined;
  /** What is asked for; the servers have their own bounds. Default 10 s. */
  readonly sessionTimeoutMs?: number;
  /**
   * Whether the session ends, for us, when no server was heard of for the session time-out; from then on others may hold
   * what was ours. Otherwise it waits for ZooKeeper to come back, for as long as that takes.
   */
  readonly abandon: boolean;
  /** Default: the session time-out over all servers, 5 s at most. */
  readonly connectTimeoutMs?: number;
  /** Of each request, the time in which there is no connection included. Default 15 s. */
  readonly requestTimeoutMs?: number;
  /** A longer message of a server ends the connection. Default 4 MiB, four times what a node may hold. */
  readonly maxMessageBytes?: number;
  /** Of requests that wait; one more is refused. Default 16 MiB. */
  readonly maxWaitingBytes?: number;
  /** Pauses between rounds over all servers. Default 100 ms, doubling to 5 s, half of it left to chance. */
  readonly backoff?: BackoffOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Nothing goes on after it. Called once. */
  readonly onEnd: (error: SessionEndedError) => void;
}

/** A request under way. */
interface Asked {
  /** @throws {ZooKeeperProtocolError} the body is not what it must be; then `fail` follows */
  answer(errorCode: number, body: Uint8Array): void;
  fail(error: Error): void;
}

const defaultBackoff: BackoffOptions = { initialMs: 100, maxMs: 5000 };

/**
 * One ZooKeeper session: requests, watches, and connections that are replaced until the session ends. Whoever wants to go
 * on after that makes another client.
 */
export class ZooKeeperClient implements ZooKeeper {
  readonly #options: ZooKeeperClientOptions;
  readonly #servers: readonly ServerAddress[];
  readonly #session: Session;
  readonly #loop: StepLoop<SessionEvent, SessionCommand>;
  readonly #watches = new WatchTable();
  readonly #asked = new Map<number, Asked>();
  readonly #ended = Promise.withResolvers<void>();
  #connection: ServerConnection | undefined;
  #cancelPause: (() => void) | undefined;
  #lastId = 0;
  #isDown = false;

  constructor(options: ZooKeeperClientOptions) {
    const { servers, clock, random, sessionTimeoutMs = 10_000 } = options;
    invariant(servers.length > 0, "Cannot use ZooKeeper: the list of servers is empty");
    this.#options = options;
    this.#servers = shuffled(servers, random);
    this.#session = new Session({
      serverCount: servers.length,
      sessionTimeoutMs,
      connectTimeoutMs: options.connectTimeoutMs ?? Math.min(5000, sessionTimeoutMs / servers.length),
      requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
      maxWaitingBytes: options.maxWaitingBytes ?? 16 * 1024 * 1024,
      credentials: options.credentials,
      abandon: options.abandon,
    });
    this.#loop = new StepLoop(this.#session, { type: "time" }, clock, (command) => this.#perform(command));
  }

  get sessionId(): bigint | undefined {
    return this.#session.identity?.id;
  }

  start(): void {
    this.#loop.dispatch({ type: "start" });
  }

  close(): Promise<void> {
    this.#loop.dispatch({ type: "close" });
    return this.#ended.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  create(path: string, data: Uint8Array, options: NodeKind & { readonly acl: Acl }): Promise<string> {
    return this.#ask(createNode(path, data, options.acl, options));
  }

  write(path: string, data: Uint8Array, version = anyVersion): Promise<Stat> {
    return this.#ask(writeNode(path, data, version));
  }

  delete(path: string, version = anyVersion): Promise<void> {
    return this.#ask(deleteNode(path, version));
  }

  async exists(path: string, { onChange }: WatchOptions = {}): Promise<Stat | undefined> {
    const watch = watchOf("node", onChange, true);
    return unlessMissing(this.#ask(nodeExists(path, onChange !== undefined), watch));
  }

  async read(path: string, { onChange }: WatchOptions = {}): Promise<NodeData | undefined> {
    const watch = watchOf("node", onChange);
    return unlessMissing(this.#ask(readNode(path, onChange !== undefined), watch));
  }

  async children(path: string, { onChange }: WatchOptions = {}): Promise<Children | undefined> {
    const watch = watchOf("children", onChange);
    return unlessMissing(this.#ask(readChildren(path, onChange !== undefined), watch));
  }

  sync(path: string): Promise<void> {
    return this.#ask(syncPath(path));
  }

  async transaction(operations: readonly Operation<unknown>[]): Promise<void> {
    const outcome = await this.#ask(transaction(operations));
    if (outcome.type === "done") return;
    const { action, path } = operations[outcome.at] ?? { action: "change", path: "it" };
    throw new ZooKeeperRefusedError(action, path, outcome.errorCode);
  }

  #ask<Answer>({ action, path, opcode, body, read }: Operation<Answer>, watch?: Watch): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const id = ++this.#lastId;
    this.#asked.set(id, {
      fail: reject,
      answer: (errorCode, answerBody) => {
        // Before the next message is looked at: it may tell of this very watch.
        const refusal = errorCode === 0 ? undefined : new ZooKeeperRefusedError(action, path, errorCode);
        const isWatched = refusal === undefined || (watch?.alsoOfMissing === true && refusal.reason === "no-node");
        if (watch !== undefined && isWatched) this.#watches.add(watch.kind, path, watch.onChange);
        if (refusal !== undefined) reject(refusal);
        else resolve(read(new JuteReader(answerBody)));
      },
    });
    this.#loop.dispatch({ type: "request", request: { id, opcode, body } });
    return promise;
  }

  #perform(command: SessionCommand): void {
    switch (command.type) {
      case "open":
        this.#open(command.server);
        return;
      case "send":
        this.#connection?.send(command.message);
        return;
      case "drop":
        this.#connection?.close();
        this.#connection = undefined;
        return;
      case "pause":
        this.#pause(command.attempt);
        return;
      case "answer":
        this.#answer(command);
        return;
      case "fail":
        this.#take(command.id).fail(command.error);
        return;
      case "watch":
        for (const onChange of this.#watches.take(command.event)) onChange();
        return;
      case "watches-lost":
        for (const onChange of this.#watches.takeAll()) onChange();
        return;
      case "emit":
        this.#tell(command.news);
        return;
      default:
        assertNever(command);
    }
  }

  #open(server: number): void {
    const address = this.#servers[server];
    invariant(address !== undefined, `ZooKeeper has no server ${server}`);
    const connection = new ServerConnection(address, this.#options.maxMessageBytes ?? 4 * 1024 * 1024, {
      opened: () => this.#loop.dispatch({ type: "opened" }),
      message: (message) => this.#loop.dispatch({ type: "message", message }),
      lost: (error) => this.#loop.dispatch({ type: "lost", error }),
    });
    this.#connection = connection;
    connection.open();
  }

  #pause(attempt: number): void {
    const { backoff = defaultBackoff, random, clock } = this.#options;
    const ms = backoffMs(backoff, attempt, random);
    this.#cancelPause = clock.schedule(ms, () => this.#loop.dispatch({ type: "paused" }));
  }

  #answer({ id, errorCode, body }: Extract<SessionCommand, { type: "answer" }>): void {
    const asked = this.#take(id);
    try {
      asked.answer(errorCode, body);
    } catch (error) {
      if (!(error instanceof ZooKeeperProtocolError)) throw error;
      asked.fail(error);
      this.#loop.dispatch({ type: "unreadable", error });
    }
  }

  #take(id: number): Asked {
    const asked = this.#asked.get(id);
    invariant(asked !== undefined, `ZooKeeper was not asked ${id}`);
    this.#asked.delete(id);
    return asked;
  }

  #tell(news: SessionNews): void {
    const { log } = this.#options;
    switch (news.type) {
      case "connected": {
        this.#isDown = false;
        const { host, port } = this.#servers[news.server] ?? { host: "?", port: 0 };
        const { isNew, sessionTimeoutMs } = news;
        log.info("connected to ZooKeeper", { server: `${host}:${port}`, newSession: isNew, sessionTimeoutMs });
        return;
      }
      case "disconnected":
        // One line when it goes; that it is still away is no news.
        if (!this.#isDown) log.warn("ZooKeeper does not answer", { error: news.error });
        else log.debug("ZooKeeper still does not answer", { error: news.error });
        this.#isDown = true;
        return;
      case "ended":
        this.#cancelPause?.();
        this.#ended.resolve();
        this.#options.onEnd(news.error);
        return;
      default:
        assertNever(news);
    }
  }
}

interface Watch {
  readonly kind: WatchKind;
  readonly onChange: () => void;
  /** ZooKeeper watches a node that is missing only for who asked whether it exists. */
  readonly alsoOfMissing: boolean;
}

function watchOf(kind: WatchKind, onChange: (() => void) | undefined, alsoOfMissing = false): Watch | undefined {
  return onChange === undefined ? undefined : { kind, onChange, alsoOfMissing };
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isRefusal(error, "no-node")) return undefined;
    throw error;
  }
}

/** So that not every client begins at the same server. */
function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(randomInt(random, rest.length), 1));
}
