import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { Random } from "../../../base/random.ts";
import { LeaderWatch } from "../../../mesos/leader-watch.ts";
import type { MasterInfo } from "../../../mesos/types.ts";
import type { ZooKeeperAddress } from "../../../zookeeper/address.ts";
import { ZooKeeperClient } from "../../../zookeeper/client.ts";
import type { ZooKeeper } from "../../../zookeeper/zookeeper.ts";
import { Announcement } from "./announcement.ts";
import { Election, type ElectionEvent, type MasterRole } from "./election.ts";

export interface MasterElectionOptions {
  readonly address: ZooKeeperAddress;
  /** Default 10 s, as with Mesos: how long a dead leader goes on to lead. */
  readonly sessionTimeoutMs?: number;
  /** What is announced. */
  readonly master: MasterInfo;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Whenever it is another one. */
  readonly onRole: (role: MasterRole) => void;
  /** Default: a session at the address. */
  readonly connect?: () => ZooKeeper;
}

/** Announces a master in ZooKeeper, and tells what it is to the others. */
export class MasterElection {
  readonly #election = new Election();
  readonly #announcement: Announcement;
  readonly #watch: LeaderWatch;
  readonly #onRole: (role: MasterRole) => void;

  constructor(options: MasterElectionOptions) {
    const { address, master, clock, random, log, sessionTimeoutMs = 10_000 } = options;
    const { servers, path, credentials } = address;
    const connect = (): ZooKeeper => {
      const session = { servers, credentials: credentials ?? undefined, sessionTimeoutMs, abandon: true };
      const client = new ZooKeeperClient({ ...session, clock, random, log, onEnd: () => undefined });
      client.start();
      return client;
    };
    const common = { connect: options.connect ?? connect, path, clock, random, log };
    this.#onRole = options.onRole;
    this.#announcement = new Announcement({
      ...common,
      acl: credentials === null ? "open" : "creator-all-everyone-read",
      master,
      onNode: (node) => this.#step({ type: "node", node }),
    });
    this.#watch = new LeaderWatch({
      ...common,
      onChange: (leadership) => this.#step({ type: "leadership", leadership }),
    });
  }

  get role(): MasterRole {
    return this.#election.role;
  }

  start(): void {
    this.#announcement.start();
    this.#watch.start();
  }

  /** Gives up whatever it leads, so that another master does at once. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#announcement.close(), this.#watch.close()]);
  }

  #step(event: ElectionEvent): void {
    const before = this.#election.role;
    const role = this.#election.step(event);
    if (role !== before) this.#onRole(role);
  }
}
