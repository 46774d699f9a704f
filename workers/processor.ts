/** Entry point of a processor's Worker: speaks src/meta/protocol.ts, and has one process scheduler do the work. */

import { systemClock } from "../src/base/clock.ts";
import { assertNever, describeError, errorToData, InvariantError } from "../src/base/errors.ts";
import { createLogger } from "../src/base/log.ts";
import { systemRandom } from "../src/base/random.ts";
import { portableEntry } from "../src/meta/portable-log.ts";
import { ProcessScheduler } from "../src/meta/process-scheduler.ts";
import type { FromWorker, StopMode, ToWorker, WorkerRequest, WorkerResult } from "../src/meta/protocol.ts";
import { RemoteStore } from "../src/meta/remote-store.ts";

declare const self: Worker;

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a Worker is no window
const post = (message: FromWorker): void => self.postMessage(message);
const store = new RemoteStore(post);
let scheduler: ProcessScheduler | undefined;

function started(): ProcessScheduler {
  if (scheduler === undefined) throw new InvariantError("the Worker was asked before it was started");
  return scheduler;
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case "start":
      start(data).catch((error: unknown) => fail(error, true));
      return;
    case "update":
      started().update(data.spec);
      return;
    case "stop":
      end(started().stop(data.mode satisfies StopMode, data.timeoutMs));
      return;
    case "remove":
      end(started().remove(data.timeoutMs));
      return;
    case "request":
      post({ type: "reply", id: data.id, result: answer(data.request) });
      return;
    case "stored":
      store.onStored(data.id, data.result);
      return;
    default:
      assertNever(data);
  }
};

async function start({ settings, spec, deployment }: Extract<ToWorker, { type: "start" }>): Promise<void> {
  const log = createLogger({
    sink: (entry) => post({ type: "log", entry: portableEntry(entry) }),
    level: settings.logLevel,
  }).child({ processor: spec.name });
  scheduler = new ProcessScheduler({
    settings,
    spec,
    deployment,
    store,
    clock: systemClock,
    random: systemRandom,
    log,
    onPhase: (phase, reason) => post({ type: "state", phase, reason }),
    onFatal: fail,
  });
  await scheduler.start();
  post({ type: "started" });
}

function answer(request: WorkerRequest): WorkerResult {
  try {
    const scheduler = started();
    switch (request) {
      case "snapshot":
        return { ok: true, answer: { to: "snapshot", snapshot: scheduler.snapshot() } };
      case "tasks":
        return { ok: true, answer: { to: "tasks", tasks: scheduler.tasks() } };
      case "offsets":
        return { ok: true, answer: { to: "offsets", offsets: scheduler.offsets() } };
      case "metrics":
        return { ok: true, answer: { to: "metrics", families: scheduler.metrics() } };
      default:
        return assertNever(request);
    }
  } catch (error) {
    return { ok: false, error: errorToData(error) };
  }
}

/** The last word, whatever came of it: then this thread, and only it, ends. */
function end(work: Promise<void>): void {
  work.then(
    () => {
      post({ type: "stopped" });
      process.exit(0);
    },
    (error: unknown) => fail(error, true),
  );
}

function fail(error: unknown, restart: boolean): void {
  post({ type: "failed", error: errorToData(error), restart });
  process.exit(1);
}

process.on("unhandledRejection", (reason) =>
  fail(new InvariantError(`Unhandled: ${describeError(reason)}`, { cause: reason }), true),
);
