import { type BackoffOptions, backoffMs } from "../../../base/backoff.ts";
import { noBytes } from "../../../base/bytes.ts";
import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { Random } from "../../../base/random.ts";
import { encodeMasterInfo } from "../../../mesos/codec.ts";
import { masterNodePrefix } from "../../../mesos/leader-node.ts";
import type { MasterInfo } from "../../../mesos/types.ts";
import type { Acl } from "../../../zookeeper/acl.ts";
import { isRefusal, SessionEndedError } from "../../../zookeeper/errors.ts";
import { childPath, pathsAbove } from "../../../zookeeper/paths.ts";
import type { ZooKeeper } from "../../../zookeeper/zookeeper.ts";

export interface AnnouncementOptions {
  /** Begins a session, to be abandoned with its time: by then others may hold ours for dead. */
  readonly connect: () => ZooKeeper;
  /** The folder in which masters announce themselves; it is made if need be. */
  readonly path: string;
  readonly acl: Acl;
  readonly master: MasterInfo;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Our node is there; undefined: it is not any more. */
  readonly onNode: (node: string | undefined) => void;
}

const PAUSES: BackoffOptions = { initialMs: 200, maxMs: 10_000 };

/**
 * Keeps a master announced in ZooKeeper as real ones are: by an ephemeral sequential node. One that is lost, with its
 * session or by somebody's hand, is followed by another one, with a higher number.
 */
export class Announcement {
  readonly #options: AnnouncementOptions;
  readonly #closing = new AbortController();
  #client: ZooKeeper | undefined;
  #running: Promise<void> | undefined;
  #node: string | undefined;

  constructor(options: AnnouncementOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Takes the node away, so that another master leads at once. Nothing is told any more. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the announcement was closed"));
    await this.#client?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random, log, path } = this.#options;
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      this.#client ??= this.#options.connect();
      try {
        await this.#announceAndWait(this.#client);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof SessionEndedError) {
          this.#client = undefined;
          this.#set(undefined);
        }
        log.warn("master is not announced in ZooKeeper", { path, error });
        await clock.sleep(backoffMs(PAUSES, ++failures, random), { signal }).catch(() => undefined);
      }
    }
    await this.#client?.close();
  }

  /** Resolves when the node is to be looked for again. */
  async #announceAndWait(client: ZooKeeper): Promise<void> {
    const { path } = this.#options;
    const node = this.#node ?? (await this.#announce(client));
    const changed = Promise.withResolvers<void>();
    const stat = await client.exists(childPath(path, node), { onChange: changed.resolve });
    this.#set(stat === undefined ? undefined : node);
    if (stat !== undefined) await changed.promise;
  }

  async #announce(client: ZooKeeper): Promise<string> {
    const { path, acl, master } = this.#options;
    for (const folder of [...pathsAbove(path), path]) await makeFolder(client, folder, acl);
    const mine = await this.#find(client);
    if (mine !== undefined) return mine;
    const data = encodeMasterInfo(master, "application/json");
    const kind = { acl, ephemeral: true, sequential: true };
    const made = await client.create(childPath(path, masterNodePrefix), data, kind);
    return made.slice(path.length + 1);
  }

  /** The node of this session: its making may have been carried out though the answer was lost. */
  async #find(client: ZooKeeper): Promise<string | undefined> {
    const { path } = this.#options;
    const names = (await client.children(path))?.names ?? [];
    for (const name of names.filter((each) => each.startsWith(masterNodePrefix))) {
      const stat = await client.exists(childPath(path, name));
      if (stat !== undefined && stat.ephemeralOwner === client.sessionId) return name;
    }
    return undefined;
  }

  #set(node: string | undefined): void {
    if (node === this.#node) return;
    this.#node = node;
    const { log, path, onNode } = this.#options;
    if (node !== undefined) log.info("master announced in ZooKeeper", { node: childPath(path, node) });
    if (!this.#closing.signal.aborted) onNode(node);
  }
}

async function makeFolder(client: ZooKeeper, path: string, acl: Acl): Promise<void> {
  if ((await client.exists(path)) !== undefined) return;
  try {
    await client.create(path, noBytes, { acl });
  } catch (error) {
    if (!isRefusal(error, "node-exists")) throw error;
  }
}
