import { hostname } from "node:os";
import { createApi } from "../api/api.ts";
import { type ServedApi, serveApi } from "../api/serve.ts";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { brigadeVersion } from "../base/version.ts";
import type { HostPort, Settings } from "../config/settings.ts";
import { bunWorkers } from "../meta/bun-worker.ts";
import type { Deployment } from "../meta/protocol.ts";
import { readDirectory } from "../meta/read-directory.ts";
import { MetaScheduler } from "../meta/scheduler.ts";
import { openState } from "../state/open-state.ts";
import type { StateStore } from "../state/store.ts";
import type { ProcessLog } from "./logging.ts";
import { selfShellCommand } from "./self.ts";
import { pendingFailure } from "./waiting.ts";

export interface RunningOptions {
  readonly executorEnv?: Deployment["executorEnv"];
  /** PROCESSOR_DIR need not exist yet: that is no mistake. */
  readonly mayBeginWithout?: boolean;
}

/** A scheduler with its state and its API, wired for this process. */
export class RunningScheduler {
  readonly #store: StateStore;
  readonly #api: ServedApi | undefined;
  readonly scheduler: MetaScheduler;
  /** Rejects when it must not go on: the state is another's by now. It is to be stopped then. */
  readonly failed: Promise<never>;

  private constructor(store: StateStore, api: ServedApi | undefined, scheduler: MetaScheduler, failed: Promise<never>) {
    this.#store = store;
    this.#api = api;
    this.scheduler = scheduler;
    this.failed = failed;
  }

  /**
   * @throws {StateUnavailableError} STATE cannot be written, or another scheduler holds it
   * @throws {ApiAddressError} API_ADDRESS is taken
   */
  static async start(
    settings: Settings,
    { log, sink }: ProcessLog,
    { executorEnv = [], mayBeginWithout = false }: RunningOptions = {},
  ): Promise<RunningScheduler> {
    const { promise: failed, reject: onLost } = pendingFailure();
    const store = await openState(settings.state, { clock: systemClock, random: systemRandom, log, onLost });
    let api: ServedApi | undefined;
    try {
      const scheduler = new MetaScheduler({
        settings,
        deployment: deploymentOf(settings, executorEnv),
        factory: bunWorkers,
        store,
        clock: systemClock,
        random: systemRandom,
        log,
        logSink: sink,
        readDirectory: () => readDirectory(settings.processorDir, settings),
        mayBeginWithout,
      });
      if (settings.apiAddress !== null) {
        api = serveApi(createApi({ scheduler, log }), settings.apiAddress);
        log.info("API serves", { address: `${api.address.host}:${api.address.port}` });
      }
      await scheduler.start();
      return new RunningScheduler(store, api, scheduler, failed);
    } catch (error) {
      await api?.close();
      await store.close();
      throw error;
    }
  }

  get apiAddress(): HostPort | undefined {
    return this.#api?.address;
  }

  /** As {@link MetaScheduler.stop}; then the API and the state are closed. May be called again to be more urgent. */
  async stop(how?: { kill?: boolean; wait?: boolean }): Promise<void> {
    await this.scheduler.stop(how);
    await this.#api?.close();
    await this.#store.close();
  }
}

export function deploymentOf(settings: Settings, executorEnv: Deployment["executorEnv"] = []): Deployment {
  const { apiAddress, brigadeExecutor } = settings;
  const host = hostname();
  return {
    version: brigadeVersion,
    hostname: host,
    executorCommand: brigadeExecutor ?? selfShellCommand(["executor"]),
    executorEnv,
    webuiUrl: apiAddress === null || apiAddress.port === 0 ? null : `http://${reachable(apiAddress, host)}`,
  };
}

/** 0.0.0.0 is where one listens, not where one is found. */
function reachable({ host, port }: HostPort, ownName: string): string {
  return `${host === "0.0.0.0" || host === "::" ? ownName : host}:${port}`;
}
