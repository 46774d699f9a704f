import type { Clock } from "../base/clock.ts";
import { InputError, invariant } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Settings } from "../config/settings.ts";
import type { ConnectToMaster } from "../framework/master-connection.ts";
import type { Credentials } from "../mesos/basic-authorization.ts";
import { HostListLocator, type MasterLocator } from "../mesos/master-locator.ts";
import { OperatorClient } from "../mesos/operator-client.ts";
import { SchedulerConnection } from "../mesos/scheduler-connection.ts";

/** How long the last calls (acknowledgements, for the most part) may take before the connection is closed. */
const DRAIN_MS = 2000;

/** Connections to the master of the settings, for a framework's runner. */
export function connectToMaster(
  settings: Settings,
  { clock, random, log }: { readonly clock: Clock; readonly random: Random; readonly log: Logger },
): ConnectToMaster {
  const masters = locatorOf(settings);
  return ({ frameworkInfo, onEvent }) => {
    const connection = new SchedulerConnection({
      masters,
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
}

/** Questions to the master of the settings. */
export function operatorOf(settings: Settings, clock: Clock): OperatorClient {
  return new OperatorClient({ masters: locatorOf(settings), ...credentialsOf(settings), clock });
}

function credentialsOf({ mesosPrincipal: principal, mesosSecret: secret }: Settings): { credentials?: Credentials } {
  return principal !== null && secret !== null ? { credentials: { principal, secret } } : {};
}

function locatorOf({ mesosMaster }: Settings): MasterLocator {
  if (mesosMaster.type === "hosts") return new HostListLocator(mesosMaster.hosts);
  throw new InputError("Cannot use MESOS_MASTER: this release finds masters by host:port[,host:port…], not by zk://");
}
