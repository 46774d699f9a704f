import type { Clock } from "../base/clock.ts";
import { InputError, invariant } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Settings } from "../config/settings.ts";
import type { ConnectToMaster } from "../framework/master-connection.ts";
import { HostListLocator, type MasterLocator } from "../mesos/master-locator.ts";
import { SchedulerConnection } from "../mesos/scheduler-connection.ts";

/** How long the last calls (acknowledgements, for the most part) may take before the connection is closed. */
const DRAIN_MS = 2000;

/** Connections to the master of the settings, for a framework's runner. */
export function connectToMaster(
  settings: Settings,
  { clock, random, log }: { readonly clock: Clock; readonly random: Random; readonly log: Logger },
): ConnectToMaster {
  const masters = locatorOf(settings);
  const { mesosPrincipal: principal, mesosSecret: secret } = settings;
  return ({ frameworkInfo, onEvent }) => {
    const connection = new SchedulerConnection({
      masters,
      subscribe: () => ({ type: "SUBSCRIBE", frameworkInfo }),
      ...(principal !== null && secret !== null ? { credentials: { principal, secret } } : {}),
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

function locatorOf({ mesosMaster }: Settings): MasterLocator {
  if (mesosMaster.type === "hosts") return new HostListLocator(mesosMaster.hosts);
  throw new InputError("Cannot use MESOS_MASTER: this release finds masters by host:port[,host:port…], not by zk://");
}
