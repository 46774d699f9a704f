import { silentLogger } from "../../../src/base/log.ts";
import type { ProcessorSpec } from "../../../src/config/processor.ts";
import type { Settings } from "../../../src/config/settings.ts";
import type { OffsetsSnapshot } from "../../../src/meta/offsets-snapshot.ts";
import type { Deployment, FromWorker, ToWorker, WorkerRequest } from "../../../src/meta/protocol.ts";
import { snapshotOfSpec } from "../../../src/meta/snapshot.ts";
import type { SupervisorContext } from "../../../src/meta/supervised-processor.ts";
import type { WorkerExit, WorkerFactory, WorkerHandle } from "../../../src/meta/worker-handle.ts";
import type { StateStore } from "../../../src/state/store.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { processorSpec } from "../../support/specs.ts";

/** Moves time, and lets run what hangs on it. */
export async function advance(clock: ManualClock, ms: number): Promise<void> {
  await settle();
  clock.advance(ms);
  await settle();
}

/** Lets promises that are ready run on, without any time passing. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** A Worker whose side of the protocol the test speaks. */
export class FakeWorker implements WorkerHandle {
  readonly received: ToWorker[] = [];
  terminated = false;
  #onMessage: (message: FromWorker) => void = () => undefined;
  #onExit: (exit: WorkerExit) => void = () => undefined;
  readonly #answers: boolean;

  /** @param answers whether it replies to requests, and obeys `stop` and `remove`, by itself */
  constructor(answers: boolean) {
    this.#answers = answers;
  }

  post(message: ToWorker): void {
    this.received.push(message);
    if (this.#answers) queueMicrotask(() => this.#obey(message));
  }

  onMessage(listener: (message: FromWorker) => void): void {
    this.#onMessage = listener;
  }

  onExit(listener: (exit: WorkerExit) => void): void {
    this.#onExit = listener;
  }

  terminate(): void {
    this.terminated = true;
    this.exit(0);
  }

  say(message: FromWorker): void {
    this.#onMessage(message);
  }

  exit(code: number, error?: Error): void {
    this.#onExit({ code, error });
  }

  /** The specification that it was started or updated with last. */
  get spec(): ProcessorSpec | undefined {
    return this.received.findLast((message) => message.type === "start" || message.type === "update")?.spec;
  }

  types(): readonly string[] {
    return this.received.map(({ type }) => type);
  }

  #obey(message: ToWorker): void {
    switch (message.type) {
      case "start":
        this.say({ type: "started" });
        this.say({ type: "state", phase: "running", reason: null });
        return;
      case "stop":
      case "remove":
        this.say({ type: "stopped" });
        this.exit(0);
        return;
      case "request":
        this.say({ type: "reply", id: message.id, result: { ok: true, answer: this.#answer(message.request) } });
        return;
      case "update":
      case "stored":
    }
  }

  #answer(request: WorkerRequest) {
    if (request === "tasks") return { to: request, tasks: [] };
    if (request === "metrics") return { to: request, families: [] };
    if (this.spec === undefined) throw new Error("asked before it was started");
    if (request === "offsets") return { to: request, offsets: offsetsOf(this.spec) };
    return { to: request, snapshot: { ...snapshotOfSpec(this.spec, "group"), phase: "running" as const, inFlight: 7 } };
  }
}

function offsetsOf({ name, input }: ProcessorSpec): OffsetsSnapshot {
  return { processor: name, topic: input, group: "group", phase: "running", reason: null, waiting: [], partitions: [] };
}

export class FakeWorkers implements WorkerFactory {
  readonly spawned: { readonly name: string; readonly worker: FakeWorker }[] = [];
  /** Whether Workers that are spawned from now on answer by themselves. */
  answering = true;

  spawn(name: string): FakeWorker {
    const worker = new FakeWorker(this.answering);
    this.spawned.push({ name, worker });
    return worker;
  }

  /** The newest Worker of that processor. */
  of(name: string): FakeWorker {
    const found = this.spawned.findLast((spawned) => spawned.name === name);
    if (found === undefined) throw new Error(`no Worker was spawned for ${name}`);
    return found.worker;
  }

  count(name: string): number {
    return this.spawned.filter((spawned) => spawned.name === name).length;
  }
}

export class MemoryStore implements StateStore {
  readonly values = new Map<string, Uint8Array>();

  async read(key: string): Promise<Uint8Array | undefined> {
    return this.values.get(key);
  }

  async write(key: string, value: Uint8Array): Promise<void> {
    this.values.set(key, value);
  }

  async delete(key: string): Promise<void> {
    this.values.delete(key);
  }

  async list(prefix: string): Promise<readonly string[]> {
    return [...this.values.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async close(): Promise<void> {
    // nothing is locked
  }
}

export function specOf(name: string, version = "v1"): ProcessorSpec {
  return processorSpec({ name, input: `${name}-in`, output: `${name}-out`, version });
}

export const settings: Settings = {
  mesosMaster: { type: "hosts", hosts: [{ host: "127.0.0.1", port: 5050 }] },
  kafkaAddress: [{ host: "127.0.0.1", port: 9092 }],
  brigadeExecutor: null,
  executorImages: null,
  processorDir: "/nowhere",
  processorPollMs: 10_000,
  deployment: "brigade",
  state: { type: "folder", path: "/nowhere" },
  apiAddress: null,
  topicsCreate: false,
  mesosRole: "*",
  mesosUser: "root",
  mesosPrincipal: null,
  mesosSecret: null,
  failoverTimeoutMs: 604_800_000,
  stopTimeoutMs: 10_000,
  logLevel: "info",
  logFormat: "json",
};

export const deployment: Deployment = {
  version: "0.0.0",
  hostname: "host",
  executorCommand: "brigade executor",
  executorEnv: [],
  webuiUrl: null,
};

/** Everything fake; the parts that a test looks at are returned beside it. */
export function fakeContext(): {
  readonly clock: ManualClock;
  readonly workers: FakeWorkers;
  readonly store: MemoryStore;
  readonly removed: string[];
  readonly context: SupervisorContext;
} {
  const clock = new ManualClock();
  const workers = new FakeWorkers();
  const store = new MemoryStore();
  const removed: string[] = [];
  const context: SupervisorContext = {
    settings,
    deployment,
    factory: workers,
    store,
    clock,
    random: { next: () => 0 },
    log: silentLogger,
    logSink: () => undefined,
    onPhase: () => undefined,
    onRemoved: (name) => removed.push(name),
  };
  return { clock, workers, store, removed, context };
}
