import type { Clock } from "../base/clock.ts";
import { invariant } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Settings } from "../config/settings.ts";
import type { ConnectToMaster } from "../framework/master-connection.ts";
import type { Credentials } from "../mesos/basic-authorization.ts";
import { HostListLocator, type MasterLocator } from "../mesos/master-locator.ts";
import { OperatorClient } from "../mesos/operator-client.ts";
import { SchedulerConnection } from "../mesos/scheduler-connection.ts";
import { ZooKeeperLocator } from "../mesos/zookeeper-locator.ts";

export interface MesosMasterOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** How long the last calls (acknowledgements, for the most part) may take before the connection is closed. */
const DRAIN_MS = 2000;

/** The master of the settings: connections for a framework's runner, and questions. */
export class MesosMaster {
  readonly #options: MesosMasterOptions;
  readonly #masters: MasterLocator;
  readonly operator: OperatorClient;

  constructor(options: MesosMasterOptions) {
    this.#options = options;
    const { settings, clock } = options;
    this.#masters = locatorOf(options);
    this.operator = new OperatorClient({ masters: this.#masters, ...credentialsOf(settings), clock });
  }

  readonly connect: ConnectToMaster = ({ frameworkInfo, onEvent }) => {
    const { settings, clock, random, log } = this.#options;
    const connection = new SchedulerConnection({
      masters: this.#masters,
      subscribe: () => ({ type: "SUBSCRIBE", frameworkInfo }),
      ...credentialsOf(settings),
      clock,
      random,
      log,
      onEvent,
    });
    return {
      start: () => connection.start(),
      call(call) {
        invariant(call.type !== "SUBSCRIBE", "A connection subscribes by itself");
        connection.call(call);
      },
      async close() {
        const late = new AbortController();
        const deadline = clock.sleep(DRAIN_MS, { signal: late.signal }).catch(() => undefined);
        await Promise.race([connection.drain(), deadline]);
        late.abort(new Error("drained"));
        connection.close();
      },
    };
  };

  /** To be called when all connections are closed. Idempotent. */
  close(): Promise<void> {
    return this.#masters.close();
  }
}

function credentialsOf({ mesosPrincipal: principal, mesosSecret: secret }: Settings): { credentials?: Credentials } {
  return principal !== null && secret !== null ? { credentials: { principal, secret } } : {};
}

function locatorOf({ settings, clock, random, log }: MesosMasterOptions): MasterLocator {
  const { mesosMaster } = settings;
  if (mesosMaster.type === "hosts") return new HostListLocator(mesosMaster.hosts);
  return new ZooKeeperLocator({ address: mesosMaster, clock, random, log });
}
