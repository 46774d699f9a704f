import { concatBytes } from "../../src/base/bytes.ts";
import { ProtocolError } from "../../src/kafka/protocol/errors.ts";
import { Reader } from "../../src/kafka/protocol/reader.ts";
import { REQUEST_KIND_BYTES, requestKindProblem } from "../../src/local/kafka/dispatcher.ts";
import { subscribedTopics } from "../../src/local/kafka/groups/subscription.ts";
import { FrameSplitter } from "../../src/local/kafka/protocol/frame-splitter.ts";
import { decodeClientId, decodeRequestStart } from "../../src/local/kafka/protocol/request-header.ts";
import { routes } from "../../src/local/kafka/routes.ts";
import { checkPlain } from "../../src/local/kafka/sasl/plain.ts";
import { type ApiGrammar, grammars } from "../contract/kafka/grammars.ts";
import { requestBytes } from "../contract/kafka/raw-client.ts";
import { encode, type Field, type WireValue } from "../contract/kafka/wire-grammar.ts";
import { cut } from "./fuzz.ts";
import type { FuzzTarget } from "./target.ts";

/* What a client may send to the embedded Kafka. */

const refusals = [ProtocolError];

/** A value of each kind, two of what is repeated. */
export function sampleOf(fields: readonly Field[]): WireValue {
  const value: Record<string, unknown> = {};
  for (const field of fields) {
    if (field.constant !== undefined) continue;
    const one = sampleItem(field);
    value[field.name] = field.isArray ? [one, one] : one;
  }
  return value;
}

function sampleItem(field: Field): unknown {
  switch (field.type) {
    case "int8":
    case "int16":
    case "int32":
    case "int64":
      return 1;
    case "boolean":
      return true;
    case "uuid":
      return "0123456789abcdef".repeat(2);
    case "string":
      return "topic";
    case "bytes":
      return Buffer.from("bytes");
    case "struct":
      return sampleOf(field.fields);
  }
}

/** The body of a request, behind a byte that says its version. */
function bodyTarget(api: ApiGrammar): FuzzTarget {
  const [first, last] = api.versions;
  const versions = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const route = routes.get(api.apiKey);
  if (route === undefined) throw new Error(`${api.name} is not served`);
  return {
    name: `kafka/request ${api.name}`,
    samples: versions.map((version) =>
      concatBytes([
        Uint8Array.of(version - first),
        encode(api.request, sampleOf(api.request), version, version >= api.flexibleFrom),
      ]),
    ),
    read(input) {
      const version = first + ((input[0] ?? 0) % versions.length);
      route.decodeRequest(new Reader(input.subarray(1), version >= api.flexibleFrom), version);
    },
    refusals,
  };
}

const whole = requestBytes(grammars.heartbeat, sampleOf(grammars.heartbeat.request), 4, 7);
const other = requestBytes(grammars.metadata, sampleOf(grammars.metadata.request), 8, 8);

export const kafkaRequestTargets: readonly FuzzTarget[] = [
  {
    name: "kafka/frames of requests",
    samples: [whole, concatBytes([whole, other, whole])],
    read(input, random) {
      const splitter = new FrameSplitter({
        maxBytes: () => 10_000,
        headBytes: REQUEST_KIND_BYTES,
        headProblem: requestKindProblem,
      });
      for (const piece of cut(input, random)) splitter.push(piece);
    },
    refusals,
  },
  {
    name: "kafka/header of a request",
    samples: [whole.subarray(4), other.subarray(4)],
    read(input, random) {
      const reader = new Reader(input);
      decodeRequestStart(reader);
      decodeClientId(reader, random.next() < 0.5);
    },
    refusals,
  },
  {
    name: "kafka/SASL token",
    samples: [Buffer.from("\0alice\0secret"), Buffer.from("alice\0alice\0secret")],
    read: (input) => void checkPlain(input, new Map([["alice", "secret"]])),
    refusals: [],
  },
  {
    name: "kafka/subscription of a member",
    samples: [Buffer.from([0, 1, 0, 0, 0, 2, 0, 1, 97, 0, 1, 98, 0, 0, 0, 0])],
    read: (input) => void subscribedTopics(input),
    refusals: [],
  },
  ...Object.values(grammars).map(bodyTarget),
];
