import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { HttpRequestError, HttpRequestParser } from "../../src/local/mesos/http/request-parser.ts";
import { readAgentId } from "../../src/local/mesos/link/agent-links.ts";
import { LinkProtocolError } from "../../src/local/mesos/link/errors.ts";
import { decodeOrder, decodeReport, encodeOrder, encodeReport } from "../../src/local/mesos/link/wire.ts";
import {
  CodecError,
  type ContentType,
  decodeExecutorCall,
  decodeExecutorEvent,
  decodeMessage,
  decodeSchedulerCall,
  decodeSchedulerEvent,
  encodeMasterInfo,
  encodeMessage,
} from "../../src/mesos/codec.ts";
import { HttpProtocolError } from "../../src/mesos/errors.ts";
import { HttpResponseParser } from "../../src/mesos/http-response-parser.ts";
import { readMasterNode } from "../../src/mesos/leader-node.ts";
import { encodeRecord, FramingError, RecordIoDecoder } from "../../src/mesos/recordio.ts";
import type { MasterInfo } from "../../src/mesos/types.ts";
import { sampleOrders, sampleReports } from "../support/mesos/link-samples.ts";
import { type MessageKind, messageBytes, messageKind, readRecording } from "../support/mesos-recordings.ts";
import { cut } from "./fuzz.ts";
import type { FuzzTarget } from "./target.ts";

/* What others may put where we read Mesos' messages, and HTTP and RecordIO around them. */

const master: MasterInfo = {
  id: "bc1b36ed-9ddf-4fe1-a396-3e11a9e7d5d3",
  ip: 16_777_343,
  port: 7301,
  hostname: "m1",
  pid: "master@127.0.0.1:7301",
  version: "1.12.0",
  address: { hostname: "m1", ip: "127.0.0.1", port: 7301 },
};

const json = "application/json";
const protobuf = "application/x-protobuf";

const decoders = {
  "scheduler call": decodeSchedulerCall,
  "scheduler event": decodeSchedulerEvent,
  "executor call": decodeExecutorCall,
  "executor event": decodeExecutorEvent,
} satisfies Record<MessageKind, (bytes: Uint8Array, type: ContentType) => object>;

const wireNames: Record<MessageKind, string> = {
  "scheduler call": "mesos.v1.scheduler.Call",
  "scheduler event": "mesos.v1.scheduler.Event",
  "executor call": "mesos.v1.executor.Call",
  "executor event": "mesos.v1.executor.Event",
};

/** Of each type the first ones that were recorded. */
const recorded = new Map<MessageKind, Uint8Array[]>();
for (const name of ["03-custom-executor", "05-kill", "06-reconcile", "16-message", "18-launch-group"]) {
  const seen = new Map<string, number>();
  for (const line of readRecording(name).lines) {
    const kind = messageKind(line);
    const { type } = (line.body ?? {}) as { readonly type?: string };
    if (kind === undefined || type === undefined) continue;
    const times = seen.get(kind + type) ?? 0;
    seen.set(kind + type, times + 1);
    if (times < 2) recorded.set(kind, [...(recorded.get(kind) ?? []), messageBytes(line)]);
  }
}

function messageTargets(kind: MessageKind): readonly FuzzTarget[] {
  const samples = recorded.get(kind) ?? [];
  const decode = decoders[kind];
  const refusals = [CodecError];
  const name = wireNames[kind];
  const inProtobuf = samples.map((bytes) => encodeMessage(name, decodeMessage(name, bytes, json), protobuf, "client"));
  return [
    { name: `mesos/${kind} in JSON`, samples, read: (input) => void decode(input, json), refusals },
    {
      name: `mesos/${kind} in protobuf`,
      samples: inProtobuf,
      read: (input) => void decode(input, protobuf),
      refusals,
    },
  ];
}

const subscribed = encodeRecord(utf8('{"type":"SUBSCRIBED"}'));
const heartbeat = encodeRecord(utf8('{"type":"HEARTBEAT"}'));

const requests = [
  "POST /api/v1/scheduler HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nMesos-Stream-Id: x\r\n\r\n{}GET /a?b=%20c HTTP/1.1\r\nConnection: close\r\n\r\n",
  "POST /slave%281%29/api/v1/executor HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n",
];

const answers = [
  "HTTP/1.1 202 Accepted\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\nHTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno.",
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMesos-Stream-Id: x\r\n\r\n17\r\n20\n{"type":"HEARTBEAT"}\r\n0\r\n\r\n',
  "HTTP/1.1 307 Temporary Redirect\r\nLocation: //m2:5050\r\n\r\nuntil it closes",
];

export const mesosTargets: readonly FuzzTarget[] = [
  {
    name: "mesos/master's node in ZooKeeper",
    samples: [encodeMasterInfo(master, json), utf8('{"id":"m","ip":1,"port":5050,"extra":[1,{"a":null}]}')],
    read: (input) => void readMasterNode("json.info_0000000001", input),
    refusals: [CodecError],
  },
  {
    name: "mesos/master's node in ZooKeeper, in protobuf",
    samples: [encodeMasterInfo(master, protobuf)],
    read: (input) => void readMasterNode("info_0000000001", input),
    refusals: [CodecError],
  },
  {
    name: "mesos/RecordIO",
    samples: [
      concatBytes([subscribed, heartbeat, heartbeat]),
      concatBytes([heartbeat, encodeRecord(new Uint8Array(300))]),
    ],
    read(input, random) {
      const decoder = new RecordIoDecoder(10_000);
      for (const piece of cut(input, random)) decoder.push(piece);
    },
    refusals: [FramingError],
  },
  ...(["scheduler call", "scheduler event", "executor call", "executor event"] as const).flatMap(messageTargets),
  {
    name: "mesos/HTTP request",
    samples: requests.map(utf8),
    read(input, random) {
      const parser = new HttpRequestParser(() => undefined);
      for (const piece of cut(input, random)) for (const { path } of parser.push(piece)) void path;
    },
    refusals: [HttpRequestError],
  },
  {
    name: "mesos/HTTP answer",
    samples: answers.map(utf8),
    read(input, random) {
      const parser = new HttpResponseParser();
      for (const piece of cut(input, random)) parser.push(piece);
      parser.finish();
    },
    refusals: [HttpProtocolError],
  },
  {
    name: "mesos/first word of an agent to its master",
    samples: [utf8('{"version":1,"agentId":"m-S0"}'), utf8('{"version":1,"agentId":null}')],
    read: (input) => void readAgentId(input),
    refusals: [LinkProtocolError],
  },
  {
    name: "mesos/orders of a master to its agent",
    samples: sampleOrders.map(encodeOrder),
    read: (input) => void decodeOrder(input),
    refusals: [LinkProtocolError],
  },
  {
    name: "mesos/reports of an agent to its master",
    samples: sampleReports.map(encodeReport),
    read: (input) => void decodeReport(input),
    refusals: [LinkProtocolError],
  },
];
