import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { showZooKeeper, type ZooKeeperAddress } from "../zookeeper/address.ts";
import { ZooKeeperClient } from "../zookeeper/client.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { MasterUnknownError } from "./errors.ts";
import { formatHostPort, type HostPort } from "./host-port.ts";
import { addressOf } from "./leader-node.ts";
import { type Leadership, LeaderWatch } from "./leader-watch.ts";
import type { MasterLocator } from "./master-locator.ts";

export interface ZooKeeperLocatorOptions {
  readonly address: ZooKeeperAddress;
  /** Default 10 s, as with Mesos. */
  readonly sessionTimeoutMs?: number;
  /** How long {@link ZooKeeperLocator.current} waits before it says that no master is known. Default 10 s. */
  readonly patienceMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Default: a session at the address. */
  readonly connect?: () => ZooKeeper;
}

/**
 * The master that leads as ZooKeeper has it. A redirect is believed only where ZooKeeper is away, until that master fails
 * or ZooKeeper is back: masters learn by the same watch, and one that has just come to lead may send us to its dead
 * predecessor.
 *
 * Begins its session when it is first asked. Where ZooKeeper is away, the last master that it named is as good as any.
 */
export class ZooKeeperLocator implements MasterLocator {
  readonly #options: ZooKeeperLocatorOptions;
  readonly #watch: LeaderWatch;
  readonly #listeners = new Set<(leader: HostPort) => void>();
  /** Those that wait for a leader. */
  readonly #waiting = new Set<() => void>();
  #redirectedTo: HostPort | undefined;

  constructor(options: ZooKeeperLocatorOptions) {
    this.#options = options;
    const { address, clock, random, log, sessionTimeoutMs = 10_000 } = options;
    const connect = (): ZooKeeper => {
      const { servers, credentials } = address;
      const session = { servers, credentials: credentials ?? undefined, sessionTimeoutMs, abandon: true };
      const client = new ZooKeeperClient({ ...session, clock, random, log, onEnd: () => undefined });
      client.start();
      return client;
    };
    this.#watch = new LeaderWatch({
      connect: options.connect ?? connect,
      path: address.path,
      clock,
      random,
      log,
      onChange: (leadership) => this.#changed(leadership),
    });
  }

  /** @throws {MasterUnknownError} none is known, and none became known for a while; ask again */
  async current({ signal }: { readonly signal: AbortSignal }): Promise<HostPort> {
    signal.throwIfAborted();
    this.#watch.start();
    const known = this.#known();
    if (known !== undefined) return known;
    const { clock, patienceMs = 10_000 } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<HostPort>();
    const check = (): void => {
      const leader = this.#known();
      if (leader !== undefined) resolve(leader);
    };
    const onAbort = (): void => reject(signal.reason);
    const cancel = clock.schedule(patienceMs, () => reject(this.#unknown()));
    this.#waiting.add(check);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await promise;
    } finally {
      cancel();
      this.#waiting.delete(check);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Nothing but a redirect is forgotten: ZooKeeper knows better than we do whether its master is gone. */
  failed(master: HostPort): void {
    if (this.#redirectedTo !== undefined && isSame(this.#redirectedTo, master)) this.#redirectedTo = undefined;
  }

  redirected(leader: HostPort): void {
    if (!this.#watch.isCurrent || this.#watch.leadership?.type !== "leader") this.#redirectedTo = leader;
  }

  onLeader(listener: (leader: HostPort) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    return this.#watch.close();
  }

  #known(): HostPort | undefined {
    const { leadership } = this.#watch;
    return this.#redirectedTo ?? (leadership?.type === "leader" ? addressOf(leadership.master) : undefined);
  }

  #changed(leadership: Leadership): void {
    this.#redirectedTo = undefined;
    if (leadership.type === "none") return;
    for (const check of this.#waiting) check();
    const leader = addressOf(leadership.master);
    for (const listener of this.#listeners) listener(leader);
  }

  #unknown(): MasterUnknownError {
    const message = `Cannot find the master by ${showZooKeeper(this.#options.address)}`;
    const { trouble, leadership } = this.#watch;
    if (trouble !== undefined) return new MasterUnknownError(message, { cause: trouble });
    const what = leadership === undefined ? "ZooKeeper does not answer" : "none has announced itself there";
    return new MasterUnknownError(`${message}: ${what}`);
  }
}

function isSame(one: HostPort, other: HostPort): boolean {
  return formatHostPort(one) === formatHostPort(other);
}
