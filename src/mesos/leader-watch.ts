import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { SessionEndedError, ZooKeeperUnavailableError } from "../zookeeper/errors.ts";
import { childPath } from "../zookeeper/paths.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { formatHostPort } from "./host-port.ts";
import { addressOf, leaderNode, readMasterNode } from "./leader-node.ts";
import type { MasterInfo } from "./types.ts";

/** Who leads, as ZooKeeper has it. */
export type Leadership =
  /** No master has announced itself. */
  | { readonly type: "none" }
  /** `node` tells one term from another: a master that comes back has another one. */
  | { readonly type: "leader"; readonly node: string; readonly master: MasterInfo };

export interface LeaderWatchOptions {
  /** Begins a session; it may be abandoned, since nothing is held by it. */
  readonly connect: () => ZooKeeper;
  /** The folder in which masters announce themselves. */
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Whenever it is another one. Not called while ZooKeeper is away: what it said last stands until it says otherwise. */
  readonly onChange: (leadership: Leadership) => void;
}

/** After what repeats at once would only fail again. */
const PAUSES: BackoffOptions = { initialMs: 200, maxMs: 10_000 };

/** Follows who leads, over as many ZooKeeper sessions as it takes. */
export class LeaderWatch {
  readonly #options: LeaderWatchOptions;
  readonly #closing = new AbortController();
  #client: ZooKeeper | undefined;
  #running: Promise<void> | undefined;
  #leadership: Leadership | undefined;
  #trouble: Error | undefined;
  /** Resolved when it is time to look again. */
  #changed = Promise.withResolvers<void>();
  #isCurrent = false;
  /** Always the same function, which a session keeps once, however often it was asked. */
  readonly #onChange = (): void => {
    this.#isCurrent = false;
    this.#changed.resolve();
  };

  constructor(options: LeaderWatchOptions) {
    this.#options = options;
  }

  /** undefined: ZooKeeper has not said anything yet. */
  get leadership(): Leadership | undefined {
    return this.#leadership;
  }

  /** Whether ZooKeeper would have told us if it were not so any more. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** Why nothing newer is known, as long as that is so. */
  get trouble(): Error | undefined {
    return this.#trouble;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Nothing is told any more. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the watch was closed"));
    await this.#client?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      this.#client ??= this.#options.connect();
      try {
        await this.#lookAndWait(this.#client);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        this.#failed(error instanceof Error ? error : new Error(String(error)));
        await pause(clock, backoffMs(PAUSES, ++failures, random), signal);
      }
    }
    await this.#client?.close();
  }

  #failed(error: Error): void {
    const { log, path } = this.#options;
    this.#isCurrent = false;
    if (error instanceof SessionEndedError) this.#client = undefined;
    // That it does not answer is told by the session.
    if (!(error instanceof ZooKeeperUnavailableError)) log.warn("leading master is not known", { path, error });
    this.#trouble = error;
  }

  /** Resolves when it is time to look again. */
  async #lookAndWait(client: ZooKeeper): Promise<void> {
    this.#changed = Promise.withResolvers();
    this.#isCurrent = true;
    const leadership = await this.#look(client);
    this.#trouble = undefined;
    if (leadership !== undefined) this.#set(leadership);
    await this.#changed.promise;
  }

  /** @returns undefined: it changed while we looked, which we were told or will be */
  async #look(client: ZooKeeper): Promise<Leadership | undefined> {
    const { path } = this.#options;
    const watched = { onChange: this.#onChange };
    // A server may lag behind what another one has told us already.
    await client.sync(path);
    const children = await client.children(path, watched);
    if (children === undefined) {
      // Nobody has ever announced itself here: we are told of the making of the folder, which may have happened by now.
      if ((await client.exists(path, watched)) !== undefined) this.#onChange();
      return { type: "none" };
    }
    const node = leaderNode(children.names);
    if (node === undefined) return { type: "none" };
    const content = await client.read(childPath(path, node));
    return content && { type: "leader", node, master: readMasterNode(node, content.data) };
  }

  #set(leadership: Leadership): void {
    const { log, path, onChange } = this.#options;
    if (this.#leadership !== undefined && nodeOf(this.#leadership) === nodeOf(leadership)) return;
    this.#leadership = leadership;
    if (leadership.type === "none") log.warn("no master has announced itself in ZooKeeper", { path });
    else log.info("leading master found in ZooKeeper", { master: formatHostPort(addressOf(leadership.master)) });
    if (!this.#closing.signal.aborted) onChange(leadership);
  }
}

function nodeOf(leadership: Leadership): string | undefined {
  return leadership.type === "leader" ? leadership.node : undefined;
}

/** Also over when the signal is aborted. */
async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
