import { decodeUtf8, utf8 } from "../../src/base/bytes.ts";
import { type Random, randomInt } from "../../src/base/random.ts";
import { CodecError, type ContentType, decodeMessage, EncodeError, encodeMessage } from "../../src/mesos/codec.ts";
import { SyncMesos } from "../support/mesos/sync-mesos.ts";
import type { FuzzTarget } from "./target.ts";

/* A whole master and agent: whatever is called, they answer, and go on. */

const json = "application/json";
const protobuf = "application/x-protobuf";

const cpus = (value: number): object => ({ name: "cpus", type: "SCALAR", scalar: { value } });
const resources = [cpus(0.5), { name: "mem", type: "SCALAR", scalar: { value: 64 } }];
const ports = { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31_000, end: 31_003 }] } };
const executor = {
  executor_id: { value: "worker" },
  resources,
  command: { value: "exec x", uris: [{ value: "http://h/x", cache: true }] },
  shutdown_grace_period: { nanoseconds: 1e9 },
};

function task(name: string, agent_id: object, more: object): object {
  return {
    name,
    task_id: { value: name },
    agent_id,
    resources,
    labels: { labels: [{ key: "a", value: "b" }] },
    ...more,
  };
}

/** What a scheduler says, in order; each of them is spoilt now and then. */
function schedulerCalls(mesos: SyncMesos): object[] {
  const agent_id = { value: mesos.agentId };
  const offer_ids = mesos.offers.map((value) => ({ value }));
  const own = task("own", agent_id, {
    executor,
    data: "aGVsbG8=",
    kill_policy: { grace_period: { nanoseconds: 1e9 } },
  });
  const command = task("command", agent_id, {
    command: { value: "sleep 1", environment: { variables: [{ name: "A", value: "b" }] } },
    resources: [...resources, ports],
    max_completion_time: { nanoseconds: 5e9 },
  });
  const group = { task_infos: [], tasks: [task("in-group", agent_id, { command: { value: "true" } })] };
  const byDefault = { executor_id: { value: "default" }, type: "DEFAULT", resources };
  const launch = { type: "LAUNCH", launch: { task_infos: [own, command] } };
  const launchGroup = { type: "LAUNCH_GROUP", launch_group: { executor: byDefault, task_group: group } };
  const reserve = { type: "RESERVE", id: { value: "operation" }, reserve: { resources: [ports] } };
  const filters = { refuse_seconds: 1 };
  const task_id = { value: "own" };
  return [
    { type: "ACCEPT", accept: { offer_ids, operations: [launch, launchGroup, reserve], filters } },
    { type: "RECONCILE", reconcile: { tasks: [{ task_id, agent_id }] } },
    { type: "KILL", kill: { task_id, agent_id, kill_policy: { grace_period: { nanoseconds: 1 } } } },
    { type: "UPDATE_FRAMEWORK", update_framework: { framework_info: mesos.frameworkInfo, suppressed_roles: ["b"] } },
    { type: "MESSAGE", message: { agent_id, executor_id: { value: "worker" }, data: "aGVsbG8=" } },
    { type: "ACKNOWLEDGE", acknowledge: { agent_id, task_id, uuid: "AAECAwQFRgeICQoLDA0ODw==" } },
    { type: "SUPPRESS", suppress: { roles: ["a"] } },
    { type: "REVIVE", revive: { roles: ["a"] } },
    { type: "DECLINE", decline: { offer_ids, filters } },
    { type: "SHUTDOWN", shutdown: { executor_id: { value: "worker" }, agent_id } },
    {
      type: "RECONCILE_OPERATIONS",
      reconcile_operations: { operations: [{ operation_id: { value: "o" }, agent_id }] },
    },
    { type: "TEARDOWN" },
  ];
}

function executorCalls(frameworkId: string): object[] {
  const ids = { framework_id: { value: frameworkId }, executor_id: { value: "worker" } };
  const container_status = { network_infos: [{ ip_addresses: [{ ip_address: "10.0.0.1" }] }] };
  const status = {
    task_id: { value: "own" },
    state: "TASK_RUNNING",
    source: "SOURCE_EXECUTOR",
    uuid: "AAECAwQFRgeICQoLDA0ODw==",
    timestamp: 1e9,
    data: "aGVsbG8=",
    container_status,
    labels: { labels: [{ key: "k" }] },
  };
  return [
    { type: "SUBSCRIBE", ...ids, subscribe: { unacknowledged_updates: [{ status }], unacknowledged_tasks: [] } },
    { type: "UPDATE", ...ids, update: { status } },
    {
      type: "UPDATE",
      ...ids,
      update: { status: { ...status, state: "TASK_FINISHED", uuid: "AQECAwQFRgeICQoLDA0ODw==" } },
    },
    { type: "MESSAGE", ...ids, message: { data: "" } },
  ];
}

function operatorCalls(mesos: SyncMesos): object[] {
  const agent_id = { value: mesos.agentId };
  const unavailability = { start: { nanoseconds: 1e18 }, duration: { nanoseconds: 1e9 } };
  const window = { machine_ids: [{ hostname: "127.0.0.1" }], unavailability };
  return [
    { type: "UPDATE_MAINTENANCE_SCHEDULE", update_maintenance_schedule: { schedule: { windows: [window] } } },
    { type: "DRAIN_AGENT", drain_agent: { agent_id, max_grace_period: { seconds: 1 }, mark_gone: false } },
    { type: "DEACTIVATE_AGENT", deactivate_agent: { agent_id } },
    { type: "REACTIVATE_AGENT", reactivate_agent: { agent_id } },
    { type: "MARK_AGENT_GONE", mark_agent_gone: { agent_id } },
  ];
}

/** Values that nobody expects, in the place of others. */
const odd: readonly unknown[] = [
  ...[0, -1, 0.1, 1e-9, 1e18, -1e18, 2 ** 53, 1e308, "Infinity", "-Infinity", "NaN"],
  ...["", "a/../b", "*", "-", ".", " ", "\u0000", "x".repeat(300), "__proto__", true, null, {}, [], [{}], [[]]],
];

/** The same with one or a few of its values spoilt. */
function spoilt(call: object, random: Random): object {
  const copy = structuredClone(call) as Record<string, unknown>;
  for (let times = randomInt(random, 3); times > 0; times--) {
    const [holder, key] = somewhere(copy, random);
    const value = holder[key];
    const what = randomInt(random, 4);
    if (what === 0) delete holder[key];
    else if (what === 1 && Array.isArray(value)) holder[key] = [...(value as unknown[]), ...(value as unknown[])];
    else holder[key] = structuredClone(odd[randomInt(random, odd.length)]);
  }
  return copy;
}

function somewhere(root: Record<string, unknown>, random: Random): readonly [Record<string, unknown>, string] {
  let holder = root;
  for (;;) {
    const keys = Object.keys(holder).filter((key) => key !== "type" || random.next() < 0.1);
    const key = keys[randomInt(random, keys.length)];
    if (key === undefined) return [root, "nothing"];
    const value = holder[key];
    if (typeof value !== "object" || value === null || random.next() < 0.1) return [holder, key];
    holder = value as Record<string, unknown>;
  }
}

/** In either encoding, as far as the call has a place in it. */
function encoded(name: string, call: object, random: Random): readonly [Uint8Array, ContentType] {
  const bytes = utf8(JSON.stringify(call));
  if (random.next() < 0.7) return [bytes, json];
  try {
    return [encodeMessage(name, decodeMessage(name, bytes, json), protobuf, "client"), protobuf];
  } catch (error) {
    if (error instanceof CodecError || error instanceof EncodeError) return [bytes, json];
    throw error;
  }
}

function live(mesos: SyncMesos, random: Random): void {
  const rarely = (): boolean => random.next() < 0.05;
  for (const call of schedulerCalls(mesos)) {
    if (random.next() < 0.3) continue;
    const whole = { framework_id: { value: mesos.frameworkId }, ...call };
    const spoiltCall = random.next() < 0.3 ? spoilt(whole, random) : whole;
    mesos.scheduler(...encoded("mesos.v1.scheduler.Call", spoiltCall, random));
    if (rarely()) mesos.pass(randomInt(random, 30_000));
    if (random.next() < 0.3) {
      for (const said of executorCalls(mesos.frameworkId)) {
        const executorCall = random.next() < 0.3 ? spoilt(said, random) : said;
        mesos.executor(...encoded("mesos.v1.executor.Call", executorCall, random));
      }
    }
    if (rarely()) {
      const orders = operatorCalls(mesos);
      const order = orders[randomInt(random, orders.length)] ?? {};
      mesos.operator(...encoded("mesos.v1.master.Call", random.next() < 0.5 ? spoilt(order, random) : order, random));
    }
    if (rarely()) mesos.exitExecutors();
    if (rarely()) mesos.loseAgent();
  }
}

export const mesosEngineTarget: FuzzTarget = {
  name: "mesos/master and agent",
  samples: [utf8('{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x","roles":["a","b"]}}}')],
  read(input, random) {
    const mesos = new SyncMesos();
    mesos.scheduler(input, json);
    if (decodeUtf8(input) !== undefined) mesos.operator(input, json);
    live(mesos, random);
    mesos.pass(120_000);
    mesos.lookAtEverything();
  },
  refusals: [],
};
