import { gzipSync } from "node:zlib";
import { concatBytes, decodeUtf8, utf8 } from "../../src/base/bytes.ts";
import { type Random, randomInt } from "../../src/base/random.ts";
import { HttpRequestError, HttpRequestParser } from "../../src/local/mesos/http/request-parser.ts";
import { CodecError, type ContentType, decodeMessage, EncodeError, encodeMessage } from "../../src/mesos/codec.ts";
import { SyncMesos } from "../support/mesos/sync-mesos.ts";
import { cut } from "./fuzz.ts";
import { spoiltJson } from "./spoilt-json.ts";
import type { FuzzState, FuzzTarget } from "./target.ts";

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

/** One of the calls, spoilt or sound; now and then an executor's or an operator's, or something happens. */
function live(mesos: SyncMesos, random: Random): void {
  const rarely = (): boolean => random.next() < 0.05;
  const maybeSpoilt = (call: object, share: number): object =>
    random.next() < share ? spoiltJson(call, random) : call;
  const call = { framework_id: { value: mesos.frameworkId }, ...anyOf(schedulerCalls(mesos), random) };
  mesos.scheduler(...encoded("mesos.v1.scheduler.Call", maybeSpoilt(call, 0.3), random));
  if (random.next() < 0.5) {
    const said = maybeSpoilt(anyOf(executorCalls(mesos.frameworkId), random), 0.3);
    mesos.executor(...encoded("mesos.v1.executor.Call", said, random));
  }
  if (rarely()) {
    const order = maybeSpoilt(anyOf(operatorCalls(mesos), random), 0.5);
    mesos.operator(...encoded("mesos.v1.master.Call", order, random));
  }
  if (rarely()) mesos.pass(randomInt(random, 30_000));
  if (rarely()) mesos.exitExecutors();
  if (rarely()) mesos.loseAgent();
}

function anyOf(calls: readonly object[], random: Random): object {
  return calls[randomInt(random, calls.length)] ?? {};
}

/** Of a framework that was torn down, or an agent that is gone, there is not much to say. */
const INPUTS_A_LIFE = 100;
const LIVE_CALLS = 4;

let mesos = new SyncMesos();

const subscribe = JSON.stringify({
  type: "SUBSCRIBE",
  subscribe: { framework_info: { user: "root", name: "x", roles: ["a"] } },
});

function post(path: string, body: Uint8Array, headers: string): Uint8Array {
  const head = `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.byteLength}\r\n${headers}\r\n\r\n`;
  return concatBytes([utf8(head), body]);
}

/** Requests with their HTTP: paths, queries and headers by chance. */
export const mesosRequestTarget: FuzzTarget = {
  name: "mesos/requests of a master and an agent over HTTP",
  samples: [
    post("/master/api/v1/scheduler", utf8(subscribe), `Content-Type: ${json}\r\nAccept: ${protobuf};q=0.5,*/*;q=0`),
    post("/api/v1", gzipSync('{"type":"GET_STATE"}'), `Content-Type: ${json}\r\nContent-Encoding: gzip`),
    post("/api/v1", utf8('{"type":"LIST_FILES","list_files":{"path":"/a"}}'), `Content-Type: ${json}`),
    utf8("GET /master/tasks?limit=2&offset=1&order=asc&framework_id=m-0000&task_id=x HTTP/1.1\r\nHost: h\r\n\r\n"),
    utf8("GET /files/read?path=%2Fframeworks%2Fm-0000%2Fexecutors%2Fworker%2Fruns%2Flatest&offset=-1 HTTP/1.1\r\n\r\n"),
    utf8("GET /state?jsonp=f HTTP/1.1\r\nAuthorization: Basic YTpi\r\nAccept-Encoding: gzip\r\n\r\n"),
    utf8("GET /slaves?slave_id=m-S0 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /redirect HTTP/1.1\r\n\r\n"),
  ],
  state: mesosLife(INPUTS_A_LIFE * 10),
  read(input, random) {
    const parser = new HttpRequestParser(() => undefined);
    for (const piece of cut(input, random)) {
      for (const request of parser.push(piece)) {
        mesos.request(request, "master");
        mesos.request(request, "agent");
      }
    }
  },
  refusals: [HttpRequestError],
};

function mesosLife(inputs: number): FuzzState {
  return {
    inputs,
    renew() {
      mesos = new SyncMesos();
    },
  };
}

export const mesosEngineTarget: FuzzTarget = {
  name: "mesos/master and agent",
  samples: [utf8('{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x","roles":["a","b"]}}}')],
  state: mesosLife(INPUTS_A_LIFE),
  read(input, random) {
    mesos.scheduler(input, json);
    if (decodeUtf8(input) !== undefined) mesos.operator(input, json);
    for (let calls = 0; calls < LIVE_CALLS; calls++) live(mesos, random);
    if (random.next() < 0.02) mesos.pass(120_000);
    if (random.next() < 0.02) mesos.lookAtEverything();
  },
  refusals: [],
};
