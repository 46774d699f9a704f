import type { Clock } from "../../../base/clock.ts";
import { assertNever, BrigadeError } from "../../../base/errors.ts";
import type { HostPort } from "../../../mesos/host-port.ts";
import { formatHostPort } from "../../../mesos/host-port.ts";
import { openFolderStore } from "../../../state/folder-store.ts";
import { MemoryStore } from "../../../state/memory-store.ts";
import type { StateStore } from "../../../state/store.ts";
import { openZooKeeperStore } from "../../../state/zookeeper-store.ts";
import type { ZooKeeperAddress } from "../../../zookeeper/address.ts";
import { childPath } from "../../../zookeeper/paths.ts";
import type { MasterRole } from "../election/election.ts";
import { MasterElection } from "../election/master-election.ts";
import { AgentRegistry } from "./agent-registry.ts";
import { MasterServer, type MasterServerOptions, type ServingMaster } from "./master-server.ts";

export interface MasterProcessOptions extends MasterServerOptions {
  /** Where it announces itself, and stands by while another one leads; undefined: it is the only one. */
  readonly zooKeeper: { readonly address: ZooKeeperAddress; readonly sessionTimeoutMs: number } | undefined;
  /** Holds what it has to know of its agents, unless that is in ZooKeeper; null: its memory does. */
  readonly dataDir: string | null;
  /** It cannot go on: it has lost its lead, or what it has to know. To be closed then. Called once. */
  readonly onFailed: (error: Error) => void;
}

/** A master that has lost its lead. It ends, as Mesos' own do: what it knows belongs to another one by now. */
export class MasterDeposedError extends BrigadeError {
  override readonly name = "MasterDeposedError";
  readonly code = "mesos-master-deposed";
  readonly fault = "infrastructure";
}

/** Below the folder in which masters announce themselves. */
const REGISTRY_NODE = "brigade_registry";
/** How soon it is written down that an agent was removed. */
const KEEP_EVERY_MS = 5000;

/** A master as a process of its own: it listens, stands by, and leads when it is its turn. */
export class MasterProcess {
  readonly #options: MasterProcessOptions;
  readonly #clock: Clock;
  readonly #server: MasterServer;
  #election: MasterElection | undefined;
  #leading: Promise<void> | undefined;
  #store: StateStore | undefined;
  #cancelKeeping: (() => void) | undefined;
  #over = false;

  constructor(options: MasterProcessOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#server = new MasterServer(options);
  }

  /** Where it listens. */
  get address(): HostPort {
    return this.#server.address;
  }

  /** Where others find it. */
  get advertised(): HostPort {
    return this.#options.advertised ?? this.address;
  }

  /**
   * Resolves when it listens; it may be that it only stands by.
   *
   * @throws an error with Node's `code` where it cannot listen, or what its state does
   */
  async start(): Promise<void> {
    await this.#server.listen();
    const { zooKeeper } = this.#options;
    if (zooKeeper === undefined) {
      await this.#lead();
      return;
    }
    this.#server.standBy(undefined);
    this.#election = new MasterElection({
      ...this.#options,
      ...zooKeeper,
      master: this.#server.masterInfo,
      onRole: (role) => this.#is(role),
    });
    this.#election.start();
  }

  /** Cuts all connections, and gives up its lead. Idempotent. */
  async close(): Promise<void> {
    this.#over = true;
    this.#cancelKeeping?.();
    await this.#server.close();
    await this.#leading?.catch(() => undefined); // told by onFailed
    await this.#store?.close();
    await this.#election?.close();
  }

  #is(role: MasterRole): void {
    const { log } = this.#options;
    if (this.#over) return;
    switch (role.type) {
      case "standing-by":
        log.info("stands by", { leader: role.leader?.hostname ?? "none" });
        this.#server.standBy(role.leader);
        return;
      case "leading":
        log.info("leads", { address: formatHostPort(this.advertised) });
        this.#server.recover();
        this.#leading = this.#lead();
        this.#leading.catch((error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))));
        return;
      case "deposed":
        this.#fail(new MasterDeposedError(`Cannot go on as master: ${role.because}`));
        return;
      default:
        assertNever(role);
    }
  }

  async #lead(): Promise<void> {
    const store = await this.#openStore();
    if (this.#over) return store.close();
    this.#store = store;
    const registry = await AgentRegistry.load(store);
    if (this.#over) return;
    const { agents, gone } = registry.registered;
    const serving = this.#server.serve({ recovering: agents, gone, registry });
    this.#options.log.info("serves", { master: formatHostPort(this.advertised), agentsExpected: agents.length });
    this.#keep(registry, serving);
  }

  #openStore(): Promise<StateStore> {
    const { zooKeeper, dataDir, clock, random, log } = this.#options;
    const onLost = (cause: Error): void => {
      this.#fail(new MasterDeposedError("Cannot go on as master: the list of its agents is not its own", { cause }));
    };
    if (zooKeeper === undefined) {
      return dataDir === null ? Promise.resolve(new MemoryStore()) : openFolderStore(dataDir, { clock, log, onLost });
    }
    const { address, sessionTimeoutMs } = zooKeeper;
    const path = childPath(address.path, REGISTRY_NODE);
    return openZooKeeperStore({ ...address, path }, { sessionTimeoutMs, clock, random, log, onLost });
  }

  /** Agents that are removed are forgotten a little later: too many known do no harm. */
  #keep(registry: AgentRegistry, serving: ServingMaster): void {
    this.#cancelKeeping = this.#clock.schedule(KEEP_EVERY_MS, () => {
      const { agents, recovering, unreachable, gone } = serving.state;
      const known = [...agents.keys(), ...recovering, ...unreachable.keys()];
      registry.keep({ agents: known, gone: [...gone.keys()] }).catch((error: unknown) => {
        this.#options.log.warn("registry of agents could not be written; it is tried again", { error });
      });
      this.#keep(registry, serving);
    });
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelKeeping?.();
    // Nobody is to be told anything any more in the name of the master.
    this.#server.retire();
    this.#options.onFailed(error);
  }
}
