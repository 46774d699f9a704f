import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ProtocolError } from "../../../src/kafka/protocol/errors.ts";
import { Reader } from "../../../src/kafka/protocol/reader.ts";
import { Writer } from "../../../src/kafka/protocol/writer.ts";
import { addOffsetsToTxn } from "../../../src/local/kafka/messages/add-offsets-to-txn.ts";
import { addPartitionsToTxn } from "../../../src/local/kafka/messages/add-partitions-to-txn.ts";
import { alterConfigs, incrementalAlterConfigs } from "../../../src/local/kafka/messages/alter-configs.ts";
import { apiVersions } from "../../../src/local/kafka/messages/api-versions.ts";
import { createPartitions } from "../../../src/local/kafka/messages/create-partitions.ts";
import { createTopics } from "../../../src/local/kafka/messages/create-topics.ts";
import { deleteGroups } from "../../../src/local/kafka/messages/delete-groups.ts";
import { deleteRecords } from "../../../src/local/kafka/messages/delete-records.ts";
import { deleteTopics } from "../../../src/local/kafka/messages/delete-topics.ts";
import { describeCluster } from "../../../src/local/kafka/messages/describe-cluster.ts";
import { describeConfigs } from "../../../src/local/kafka/messages/describe-configs.ts";
import { describeGroups } from "../../../src/local/kafka/messages/describe-groups.ts";
import { endTxn } from "../../../src/local/kafka/messages/end-txn.ts";
import { fetch } from "../../../src/local/kafka/messages/fetch.ts";
import { findCoordinator } from "../../../src/local/kafka/messages/find-coordinator.ts";
import { heartbeat } from "../../../src/local/kafka/messages/heartbeat.ts";
import { initProducerId } from "../../../src/local/kafka/messages/init-producer-id.ts";
import { joinGroup } from "../../../src/local/kafka/messages/join-group.ts";
import { leaveGroup } from "../../../src/local/kafka/messages/leave-group.ts";
import { listGroups } from "../../../src/local/kafka/messages/list-groups.ts";
import { listOffsets } from "../../../src/local/kafka/messages/list-offsets.ts";
import { metadata } from "../../../src/local/kafka/messages/metadata.ts";
import { offsetCommit } from "../../../src/local/kafka/messages/offset-commit.ts";
import { offsetDelete } from "../../../src/local/kafka/messages/offset-delete.ts";
import { offsetFetch } from "../../../src/local/kafka/messages/offset-fetch.ts";
import { produce } from "../../../src/local/kafka/messages/produce.ts";
import { saslAuthenticate, saslHandshake } from "../../../src/local/kafka/messages/sasl.ts";
import { syncGroup } from "../../../src/local/kafka/messages/sync-group.ts";
import { txnOffsetCommit } from "../../../src/local/kafka/messages/txn-offset-commit.ts";
import type { Message } from "../../../src/local/kafka/protocol/message.ts";
import { routes } from "../../../src/local/kafka/routes.ts";
import { type ApiGrammar, grammars } from "../../contract/kafka/grammars.ts";
import { asCarried, decode, encode, type Field, type WireValue } from "../../contract/kafka/wire-grammar.ts";

const SAFE = Number.MAX_SAFE_INTEGER;

/** Any value that a grammar allows. */
function valueOf(fields: readonly Field[]): fc.Arbitrary<WireValue> {
  return fc.record(
    Object.fromEntries(
      fields
        .filter((field) => field.constant === undefined)
        .map((field) => {
          const one = itemOf(field);
          const own = field.isArray ? fc.array(one, { maxLength: 3 }) : one;
          return [field.name, field.isNullable ? fc.option(own) : own];
        }),
    ),
  );
}

function itemOf(field: Field): fc.Arbitrary<unknown> {
  switch (field.type) {
    case "int8":
      return fc.integer({ min: -128, max: 127 });
    case "int16":
      return fc.integer({ min: -32_768, max: 32_767 });
    case "int32":
      return fc.integer();
    case "int64":
      return fc.oneof(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -SAFE, max: SAFE }));
    case "boolean":
      return fc.boolean();
    case "string":
      return fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: "grapheme", maxLength: 20 }), longText);
    case "uuid":
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("hex"));
    case "bytes":
      return fc.uint8Array({ maxLength: 40 });
    case "struct":
      return valueOf(field.fields);
  }
}

/** Its length needs two bytes in compact form. */
const longText = fc.integer({ min: 120, max: 300 }).map((length) => "x".repeat(length));

interface Pair {
  readonly grammar: ApiGrammar;
  readonly message: Message<unknown, unknown>;
  /** From the grammar's form to the message's, where they differ. */
  readonly request?: (wire: WireValue, version: number) => unknown;
  readonly response?: (wire: WireValue, version: number) => unknown;
  /** Whether a version can carry the value at all: null is one only in some. */
  readonly canSend?: (wire: WireValue, version: number) => boolean;
  readonly canAnswer?: (wire: WireValue, version: number) => boolean;
}

function namesAll(topics: unknown): boolean {
  return (topics as Rows | null)?.every(({ name }) => name !== null) ?? true;
}

function pair<Request, Response>(
  grammar: ApiGrammar,
  message: Message<Request, Response>,
  shapes: Omit<Pair, "grammar" | "message"> = {},
): Pair {
  return { grammar, message, ...shapes };
}

type Rows = readonly WireValue[];

const pairs: readonly Pair[] = [
  pair(grammars.produce, produce),
  pair(grammars.fetch, fetch, {
    response: (wire) => ({
      ...wire,
      topics: (wire["topics"] as Rows).map((topic) => ({
        ...topic,
        partitions: (topic["partitions"] as Rows).map((partition) => ({
          ...partition,
          batches: [partition["records"] ?? new Uint8Array(0)],
        })),
      })),
    }),
  }),
  pair(grammars.listOffsets, listOffsets),
  pair(grammars.metadata, metadata, {
    canSend: (wire, version) => version >= 10 || namesAll(wire["topics"]),
    canAnswer: (wire, version) => version >= 12 || namesAll(wire["topics"]),
  }),
  pair(grammars.offsetCommit, offsetCommit),
  pair(grammars.offsetFetch, offsetFetch, {
    request: ({ groupId, topics, groups, requireStable }, version) => ({
      groups: version <= 7 ? [{ groupId, topics }] : groups,
      requireStable,
    }),
    response: ({ topics, errorCode, groups }, version) => ({
      groups: version <= 7 ? [{ topics, errorCode }] : groups,
    }),
  }),
  pair(grammars.findCoordinator, findCoordinator, {
    request: ({ key, keys, keyType }, version) => ({ keyType, keys: version <= 3 ? [key] : keys }),
    response: (wire, version) => {
      const toFound = ({ nodeId, host, port, ...rest }: WireValue): WireValue => ({
        ...rest,
        endpoint: { nodeId, host, port },
      });
      return { coordinators: version <= 3 ? [toFound(wire)] : (wire["coordinators"] as Rows).map(toFound) };
    },
  }),
  pair(grammars.joinGroup, joinGroup),
  pair(grammars.heartbeat, heartbeat),
  pair(grammars.leaveGroup, leaveGroup, {
    request: ({ groupId, memberId, members }, version) => ({
      groupId,
      members: version < 3 ? [{ memberId, groupInstanceId: null }] : members,
    }),
    response: (wire) => ({ members: [], ...wire }),
  }),
  pair(grammars.syncGroup, syncGroup),
  pair(grammars.describeGroups, describeGroups),
  pair(grammars.listGroups, listGroups),
  pair(grammars.apiVersions, apiVersions),
  pair(grammars.createTopics, createTopics),
  pair(grammars.deleteTopics, deleteTopics, {
    request: ({ topics, topicNames }, version) => {
      const named = (topicNames as string[] | undefined)?.map((name) => ({ name, topicId: "0".repeat(32) }));
      return { topics: version <= 5 ? named : topics };
    },
    canAnswer: (wire, version) => version >= 6 || namesAll(wire["topics"]),
  }),
  pair(grammars.deleteRecords, deleteRecords),
  pair(grammars.initProducerId, initProducerId),
  pair(grammars.addPartitionsToTxn, addPartitionsToTxn),
  pair(grammars.addOffsetsToTxn, addOffsetsToTxn),
  pair(grammars.endTxn, endTxn),
  pair(grammars.txnOffsetCommit, txnOffsetCommit),
  pair(grammars.describeConfigs, describeConfigs),
  pair(grammars.createPartitions, createPartitions, {
    request: (wire) => ({
      ...wire,
      topics: (wire["topics"] as Rows).map((topic) => ({
        ...topic,
        assignments: (topic["assignments"] as Rows | null)?.map(({ brokerIds }) => brokerIds) ?? null,
      })),
    }),
  }),
  pair(grammars.deleteGroups, deleteGroups),
  pair(grammars.alterConfigs, alterConfigs, {
    request: (wire) => ({
      ...wire,
      resources: (wire["resources"] as Rows).map((resource) => ({
        ...resource,
        configs: (resource["configs"] as Rows).map((config) => ({ ...config, operation: 0 })),
      })),
    }),
  }),
  pair(grammars.incrementalAlterConfigs, incrementalAlterConfigs),
  pair(grammars.offsetDelete, offsetDelete),
  pair(grammars.describeCluster, describeCluster),
  pair(grammars.saslHandshake, saslHandshake),
  pair(grammars.saslAuthenticate, saslAuthenticate),
];

/** `records` of a fetch response is never null on the wire: no batches are no bytes. */
function withoutNullRecords(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, own: unknown) =>
    key === "records" && own === null ? {} : own,
  ) as unknown;
}

describe.each(pairs.map((entry) => [entry.grammar.name, entry] as const))(
  "%s",
  (_, { grammar, message, ...shapes }) => {
    const [first, last] = grammar.versions;
    const version = fc.integer({ min: first, max: last });

    test("serves the versions of the grammar, flexible from the same one on", () => {
      expect(message.maxVersion).toBe(last);
      expect(message.flexibleFrom).toBe(grammar.flexibleFrom);
      expect(message.minVersion).toBeLessThanOrEqual(first);
      expect(routes.get(grammar.apiKey)?.name).toBe(grammar.name);
    });

    test("requests of every version are read as the grammar writes them", () => {
      fc.assert(
        fc.property(version, valueOf(grammar.request), (v, value) => {
          fc.pre(shapes.canSend?.(value, v) ?? true);
          const flexible = v >= grammar.flexibleFrom;
          const reader = new Reader(encode(grammar.request, value, v, flexible), flexible);
          const request = message.decodeRequest(reader, v);
          const carried = asCarried(grammar.request, value, v);
          expect(sorted(request)).toEqual(sorted(shapes.request?.(carried, v) ?? carried));
          expect(reader.remaining).toBe(0);
        }),
        { numRuns: 60 },
      );
    });

    test("responses of every version are written as the grammar reads them", () => {
      fc.assert(
        fc.property(version, valueOf(grammar.response), (v, value) => {
          fc.pre(shapes.canAnswer?.(value, v) ?? true);
          const flexible = v >= grammar.flexibleFrom;
          const writer = new Writer(flexible);
          message.encodeResponse(writer, shapes.response?.(value, v) ?? value, v);
          const read = decode(grammar.response, Buffer.from(writer.finish()), v, flexible);
          const written = asCarried(grammar.response, value, v);
          expect(sorted(withoutNullRecords(read))).toEqual(sorted(withoutNullRecords(written)));
        }),
        { numRuns: 60 },
      );
    });

    test("a request that is cut anywhere is refused", () => {
      fc.assert(
        fc.property(
          version,
          valueOf(grammar.request),
          fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
          (v, value, share) => {
            const flexible = v >= grammar.flexibleFrom;
            const bytes = encode(grammar.request, value, v, flexible);
            const cut = bytes.subarray(0, Math.floor(bytes.byteLength * share));
            if (bytes.byteLength === 0) return;
            expect(() => message.decodeRequest(new Reader(cut, flexible), v)).toThrow(ProtocolError);
          },
        ),
        { numRuns: 40 },
      );
    });

    test("random bytes are a request or a protocol error, and nothing else", () => {
      fc.assert(
        fc.property(version, fc.uint8Array({ maxLength: 200 }), (v, bytes) => {
          try {
            message.decodeRequest(new Reader(bytes, v >= grammar.flexibleFrom), v);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }),
        { numRuns: 200 },
      );
    });
  },
);

/** Objects with their fields in order of name, so that two can be compared as text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, own]) => [name, sorted(own)]),
  );
}
