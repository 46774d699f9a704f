import { mkdir } from "node:fs/promises";
import { InputError } from "../../../base/errors.ts";
import type { Credentials } from "../../../mesos/basic-authorization.ts";
import type { HostPort } from "../../../mesos/host-port.ts";
import type { MasterLocator } from "../../../mesos/master-locator.ts";
import type { AgentId } from "../../../mesos/types.ts";
import { StateLockedError } from "../../../state/errors.ts";
import { type FolderLock, lockFolder } from "../../../state/folder-lock.ts";
import { MasterLink } from "../link/master-link.ts";
import { readIdentity } from "./agent-identity.ts";
import { AgentServer, type AgentServerOptions } from "./agent-server.ts";

export interface AgentProcessOptions
  extends Omit<AgentServerOptions, "id" | "mayMove" | "processName" | "masterHostname" | "report"> {
  readonly masters: MasterLocator;
  readonly credentials?: Credentials | undefined;
  /** A master that is silent for so long is gone. Default 75 s. */
  readonly masterSilenceTimeoutMs?: number;
  /** It listens: executors can reach it. Called once. */
  readonly onServing: (agentId: AgentId, address: HostPort) => void;
  /** It cannot go on. To be closed then. Called once. */
  readonly onFailed: (error: Error) => void;
}

const PROCESS_NAME = "slave(1)";

/**
 * An agent as a process of its own.
 *
 * One that has been here before serves its executors at once, whether or not there is a master; a new one gets its id of
 * the first master that it meets.
 */
export class AgentProcess {
  readonly #options: AgentProcessOptions;
  #lock: FolderLock | undefined;
  #link: MasterLink | undefined;
  #server: AgentServer | undefined;
  #starting: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: AgentProcessOptions) {
    this.#options = options;
  }

  /** @throws {InputError} the folder is another agent's, or cannot be used; an error with Node's `code` as well */
  async start(): Promise<void> {
    const { workDir, clock, log } = this.#options;
    await mkdir(workDir, { recursive: true });
    this.#lock = await lock(workDir, clock.wallMs());
    const known = readIdentity(workDir);
    if (known !== undefined) {
      await this.#serve(known.id, "", known.port);
      this.#server?.unlinked();
    } else log.info("looks for a master to get an id of");
    this.#link = new MasterLink({
      ...this.#options,
      ...this.#silence(),
      agentId: known?.id,
      onUp: (agentId, master) => this.#up(agentId, master),
      onDown: () => this.#server?.unlinked(),
      onOrder: (order) => this.#server?.order(order),
    });
    this.#link.start();
  }

  /** Leaves the cluster for good: executors are shut down, and the master is told. Then it is to be closed. */
  async leave(): Promise<void> {
    await this.#starting;
    await this.#server?.leave();
    await this.#link?.drain();
  }

  /** Executors of frameworks with a checkpoint run on, and are looked for by the next agent here. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#link?.close();
    await this.#starting;
    await this.#server?.close();
    this.#lock?.release();
  }

  #up(agentId: AgentId, master: HostPort): void {
    if (this.#server !== undefined) {
      this.#server.linked(master.host);
      return;
    }
    // It registers when it has started, over the link that there is then.
    this.#starting = this.#serve(agentId, master.host, this.#options.port).catch((error: unknown) => {
      this.#options.onFailed(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async #serve(id: AgentId, masterHostname: string, port: number): Promise<void> {
    const server = new AgentServer({
      ...this.#options,
      id,
      // A port that was asked for is that one or none; any other had better be the one that executors know.
      ...(this.#options.port === 0 ? { port, mayMove: true } : { mayMove: false }),
      processName: PROCESS_NAME,
      masterHostname,
      report: (report) => this.#link?.report(report),
    });
    this.#server = server;
    await server.start();
    if (!this.#closed) this.#options.onServing(id, server.advertised);
  }

  #silence(): { readonly silenceTimeoutMs?: number } {
    const { masterSilenceTimeoutMs } = this.#options;
    return masterSilenceTimeoutMs === undefined ? {} : { silenceTimeoutMs: masterSilenceTimeoutMs };
  }
}

async function lock(folder: string, sinceMs: number): Promise<FolderLock> {
  try {
    return await lockFolder(folder, sinceMs);
  } catch (cause) {
    if (!(cause instanceof StateLockedError)) throw cause;
    throw new InputError(`Cannot use data folder ${folder}: another agent does`, { cause });
  }
}
