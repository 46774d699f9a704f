import { concatBytes } from "../../src/base/bytes.ts";
import { createLogger, type LogEntry } from "../../src/base/log.ts";
import { type Random, randomInt, seededRandom } from "../../src/base/random.ts";
import { encodeSubscription } from "../../src/kafka/assignor.ts";
import { Broker } from "../../src/local/kafka/broker.ts";
import { defaultBrokerConfig } from "../../src/local/kafka/broker-config.ts";
import { Connection } from "../../src/local/kafka/connection.ts";
import { openDatabase } from "../../src/local/kafka/log/database.ts";
import { type ApiGrammar, grammars } from "../contract/kafka/grammars.ts";
import { requestBytes } from "../contract/kafka/raw-client.ts";
import { makeBatch } from "../contract/kafka/record-batch.ts";
import { decode, type Field, has, type WireValue } from "../contract/kafka/wire-grammar.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { sampleOf } from "./kafka-requests.ts";
import type { FuzzTarget } from "./target.ts";

/*
 * A whole broker, without sockets: requests of all kinds with values by chance, and some that are spoilt. It answers each
 * one in a form that a client can read, or closes the connection with a word of why; nothing is a mistake of its own.
 */

const apis = Object.values(grammars);
/** What most requests say, by the name of the field. */
const usual: Readonly<Record<string, string | number>> = {
  name: "t",
  groupId: "group",
  groups: "group",
  transactionalId: "transactional",
  protocolType: "consumer",
  acks: -1,
  numPartitions: 2,
  replicationFactor: 1,
  timeoutMs: 1000,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  transactionTimeoutMs: 10_000,
  currentLeaderEpoch: 0,
  sessionId: 0,
  sessionEpoch: -1,
  resourceType: 2,
  keyType: 0,
};
const strings = ["t", "u", "group", "", "__proto__", "a/b", "x".repeat(300), "transactional", "compact", "0"];
const integers = [-2, -1, 0, 0, 1, 1, 2, 3, 7, 100, 127];
const large = [1000, 32_767, -32_768, 2 ** 31 - 1, -(2 ** 31), 2 ** 40, Number.MAX_SAFE_INTEGER];
const batchOptions = [
  { values: ["a"], timestampsMs: [1] },
  { values: ["a", "b"], timestampsMs: [5, 3], codec: "gzip" as const },
  { values: ["a"], timestampsMs: [1], producerId: 1, producerEpoch: 0, baseSequence: 0 },
  { values: ["a"], timestampsMs: [1], producerId: 0, producerEpoch: 0, baseSequence: 1, attributes: 0x10 },
];
const blobs = [
  ...batchOptions.map(makeBatch),
  Buffer.from(encodeSubscription("t", { generation: 1, partitions: [0] })),
  Buffer.from("\0alice\0secret"),
  Buffer.alloc(0),
];

function pick<T>(from: readonly T[], random: Random): T | undefined {
  return from[randomInt(random, from.length)];
}

function integer(bits: number, random: Random): number {
  const value = pick(random.next() < 0.9 ? integers : large, random) ?? 0;
  return bits < 64 ? Math.min(Math.max(value, -(2 ** (bits - 1))), 2 ** (bits - 1) - 1) : value;
}

/** Ids of members, the newest first. */
interface Known {
  readonly texts: string[];
}

function item(field: Field, version: number, known: Known, random: Random): unknown {
  if (field.type !== "struct" && random.next() < 0.6 && Object.hasOwn(usual, field.name)) return usual[field.name];
  switch (field.type) {
    case "int8":
    case "int16":
    case "int32":
    case "int64":
      return integer(Number(field.type.slice(3)), random);
    case "boolean":
      return random.next() < 0.5;
    case "uuid":
      return random.next() < 0.5 ? "0".repeat(32) : "0123456789abcdef".repeat(2);
    case "string":
      // Ids that the broker gave out come back to it.
      if (field.isNullable && random.next() < 0.2) return null;
      return (random.next() < 0.3 ? pick(known.texts, random) : undefined) ?? pick(strings, random) ?? "";
    case "bytes":
      return field.isNullable && random.next() < 0.1 ? null : pick(blobs, random);
    case "struct":
      return values(field.fields, version, known, random);
  }
}

function values(fields: readonly Field[], version: number, known: Known, random: Random): WireValue {
  const value: Record<string, unknown> = {};
  for (const field of fields) {
    if (field.constant !== undefined || !has(field, version)) continue;
    const one = (): unknown => item(field, version, known, random);
    if (!field.isArray) value[field.name] = one();
    else if (field.isNullable && random.next() < 0.1) value[field.name] = null;
    else value[field.name] = Array.from({ length: randomInt(random, 3) }, one);
  }
  return value;
}

/** What a member's or a producer's next request has to say again. */
function learn({ memberId }: WireValue, known: Known): void {
  if (typeof memberId === "string" && memberId !== "") known.texts.unshift(memberId);
  known.texts.splice(20);
}

class Life {
  readonly #clock = new ManualClock();
  readonly #entries: LogEntry[] = [];
  readonly #broker: Broker;
  readonly #known: Known = { texts: [] };

  constructor() {
    const log = createLogger({ sink: (entry) => this.#entries.push(entry), level: "error", clock: this.#clock });
    const database = openDatabase({ dataDir: null, sync: false });
    const config = { ...defaultBrokerConfig, defaultPartitions: 2 };
    this.#broker = new Broker({ database, config, clock: this.#clock, random: seededRandom(1), log });
    this.#broker.announceAt("127.0.0.1", 9092);
  }

  close(): void {
    this.#broker.close();
  }

  /** Where an input has deleted it. */
  makeTopic(): void {
    if (this.#broker.topics.get("t") === undefined) this.#broker.topics.create("t", 3, new Map());
  }

  /** Sends these in one connection, waits until nothing is under way, and reads the answers. */
  async talk(requests: readonly SentRequest[]): Promise<void> {
    const answers: Uint8Array[] = [];
    const connection = new Connection({
      broker: this.#broker,
      log: this.#broker.log,
      peer: "fuzz",
      clientHost: "/127.0.0.1",
      outlet: {
        write: (bytes) => answers.push(new Uint8Array(bytes)) && bytes.byteLength,
        pause: () => undefined,
        resume: () => undefined,
        end: () => undefined,
        terminate: () => undefined,
      },
    });
    connection.received(concatBytes(requests.map(({ bytes }) => bytes)));
    while (connection.isBusy) {
      await new Promise(setImmediate);
      // Polls, rebalances and transactions wait for time.
      if (connection.isBusy) this.#clock.advance(10_000);
    }
    connection.closed();
    const mistake = this.#entries.find(({ level }) => level === "error");
    if (mistake !== undefined) throw new Error(`${mistake.message}: ${JSON.stringify(mistake.fields)}`);
    this.#read(concatBytes(answers), requests);
  }

  #read(bytes: Uint8Array, requests: readonly SentRequest[]): void {
    const answers = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < answers.byteLength; ) {
      const end = at + 4 + answers.readInt32BE(at);
      const id = answers.readInt32BE(at + 4);
      const request = requests.find(({ correlationId }) => correlationId === id);
      if (request?.api !== undefined) {
        const { api, version } = request;
        const flexible = version >= api.flexibleFrom;
        const tags = flexible && api !== grammars.apiVersions ? 1 : 0;
        learn(decode(api.response, answers.subarray(at + 8 + tags, end), version, flexible), this.#known);
      }
      at = end;
    }
  }

  request(correlationId: number, random: Random): SentRequest {
    const api = pick(apis, random) ?? grammars.produce;
    const [first, last] = api.versions;
    const version = first + randomInt(random, last - first + 1);
    const bytes = requestBytes(api, values(api.request, version, this.#known, random), version, correlationId);
    return { api, version, correlationId, bytes };
  }
}

interface SentRequest {
  /** undefined: what answer it gets is open. */
  readonly api: ApiGrammar | undefined;
  readonly version: number;
  readonly correlationId: number;
  readonly bytes: Uint8Array;
}

/** So far from what a spoilt request could have that each answer belongs to its request. */
const FIRST_ID = 0x5eed_0000;
const SPOILT_ID = 1;
const REQUESTS = 6;
let life: Life | undefined;

export const kafkaBrokerTarget: FuzzTarget = {
  name: "kafka/broker",
  samples: apis.map((api) => requestBytes(api, sampleOf(api.request), api.versions[1], SPOILT_ID).subarray(4)),
  state: {
    inputs: 500,
    renew() {
      life?.close();
      life = new Life();
    },
  },
  async read(input, random) {
    if (life === undefined) throw new Error("no broker was started");
    const broker = life;
    broker.makeTopic();
    const sound = Array.from({ length: REQUESTS }, (_, number) => broker.request(FIRST_ID + number, random));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(input.byteLength);
    const spoilt = { api: undefined, version: 0, correlationId: SPOILT_ID, bytes: concatBytes([length, input]) };
    await broker.talk([...sound, spoilt]);
  },
  refusals: [],
};
