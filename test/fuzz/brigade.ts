import { concatBytes, showUtf8, utf8 } from "../../src/base/bytes.ts";
import { InputError } from "../../src/base/errors.ts";
import { splitLines } from "../../src/cli/lines.ts";
import { recordFromJson } from "../../src/cli/record-json.ts";
import { decodeExecutorConfig, ExecutorWireError, encodeExecutorConfig } from "../../src/engine/executor-wire.ts";
import {
  decodeRunRequest,
  decodeRunResult,
  encodeRunRequest,
  encodeRunResult,
  RunWireError,
  runSpec,
} from "../../src/engine/run-wire.ts";
import { parseExecutorId } from "../../src/framework/executor-id.ts";
import { parseRecordWork, parseTaskId } from "../../src/framework/task-id.ts";
import { IdentityUnreadableError, takeIdentity } from "../../src/meta/identity.ts";
import { StoredMember } from "../../src/meta/stored-member.ts";
import { StoredPositions } from "../../src/meta/stored-positions.ts";
import { StoredVersions } from "../../src/meta/stored-versions.ts";
import { StateFormatError } from "../../src/state/errors.ts";
import { MemoryStore } from "../../src/state/memory-store.ts";
import { describeOwner } from "../../src/state/owner.ts";
import { decodeStored } from "../../src/state/stored-value.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { processorSpec } from "../support/specs.ts";
import { runResult } from "../support/tracker-driver.ts";
import { cut } from "./fuzz.ts";
import { silentLog } from "./silent-log.ts";
import type { FuzzTarget } from "./target.ts";

/*
 * What Brigade itself wrote, and reads from where others could have written it: the data of tasks and status updates, ids
 * of tasks and executors, the state store; and lines of records from a pipe.
 */

const record = {
  topic: "in",
  partition: 0,
  offset: 7,
  timestampMs: 1_700_000_000_000,
  key: utf8("key"),
  value: utf8("value"),
  headers: [["name", utf8("content")] as const, ["none", null] as const],
};
const spec = runSpec(processorSpec());
const request = encodeRunRequest({ spec, record, attempt: 1 });
const results = [
  runResult({ type: "exited", code: 3 }, "stdout"),
  runResult({ type: "not-startable", reason: "image-missing", message: "none" }),
  { ...runResult({ type: "succeeded" }, "stdout"), attempt: 2, notice: "it is slow" },
];

const ids = ["upper_in_0_7-12.3", "a_b_c_1_2-3.4", "upper-3f0c-12-1", "upper-3f0c.alone-1-2"].map(utf8);

const clock = new ManualClock();
const common = { processor: "p", group: "g", topic: "t", clock, log: silentLog };

/** Head and rest of what travels with a run, to be put together again. */
function parted(bytes: Uint8Array): { readonly head: Uint8Array; readonly rest: Uint8Array } {
  const end = 5 + Buffer.from(bytes).readUInt32BE(1);
  return { head: bytes.subarray(5, end), rest: bytes.subarray(end) };
}

/** Its head alone is spoilt: of bytes at large little would be JSON. */
function headTarget(
  what: string,
  version: number,
  whole: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => unknown,
) {
  const rest = parted(whole[0] ?? new Uint8Array()).rest;
  return {
    name: `tasks/head of a run ${what}`,
    samples: whole.map((bytes) => parted(bytes).head),
    read(input: Uint8Array) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(input.byteLength);
      decode(concatBytes([Uint8Array.of(version), length, input, rest]));
    },
    refusals: [RunWireError],
  };
}

/** A value of the state store as it comes to who reads it. */
function stored(
  name: string,
  key: string,
  samples: readonly string[],
  load: (store: MemoryStore) => Promise<unknown>,
  refusals: FuzzTarget["refusals"] = [],
): FuzzTarget {
  return {
    name: `state/${name}`,
    samples: samples.map(utf8),
    async read(input) {
      const store = new MemoryStore();
      await store.write(key, input);
      await load(store);
    },
    refusals,
  };
}

export const brigadeTargets: readonly FuzzTarget[] = [
  {
    name: "tasks/run request",
    samples: [request],
    read: (input) => void decodeRunRequest(input),
    refusals: [RunWireError],
  },
  headTarget("request", 2, [request], decodeRunRequest),
  headTarget("result", 1, results.map(encodeRunResult), decodeRunResult),
  {
    name: "tasks/run result",
    samples: results.map(encodeRunResult),
    read: (input) => void decodeRunResult(input),
    refusals: [RunWireError],
  },
  {
    name: "tasks/configuration of an executor",
    samples: [encodeExecutorConfig({ idleTimeoutMs: 60_000 })],
    read: (input) => void decodeExecutorConfig(input),
    refusals: [ExecutorWireError],
  },
  {
    name: "tasks/ids",
    samples: ids,
    read(input) {
      const id = showUtf8(input);
      const work = parseTaskId(id)?.work;
      if (work !== undefined) parseRecordWork(work);
      parseExecutorId(id);
    },
    refusals: [],
  },
  {
    name: "state/value",
    samples: [concatBytes([Uint8Array.of(1), utf8("value")])],
    read: (input) => void decodeStored(input, "key", "a file"),
    refusals: [StateFormatError],
  },
  {
    name: "state/owner of a lock",
    samples: [utf8('{"pid":1,"host":"h","since":"2024-01-01T00:00:00.000Z"}\n')],
    read: (input) => void describeOwner(showUtf8(input)),
    refusals: [],
  },
  stored(
    "identity",
    "processors/p/identity",
    ['{"version":1,"frameworkId":"f-1","epoch":3}', '{"version":1,"epoch":3}'],
    (store) => takeIdentity({ store, processor: "p", lookUp: () => Promise.resolve(undefined), wallMs: 1e12 }),
    [IdentityUnreadableError],
  ),
  stored(
    "positions",
    "processors/p/positions",
    ['{"version":1,"group":"g","topic":"t","positions":{"0":41203,"1":0}}'],
    async (store) => (await StoredPositions.load({ store, ...common })).last(0),
  ),
  stored(
    "versions",
    "processors/p/versions/3f0c",
    [
      '{"format":1,"name":"upper","version":"3f0c","output":"out","error":{"topic":"e","value":"input"},"emptyOutput":"send"}',
    ],
    (store) =>
      StoredVersions.load({
        store,
        ...common,
        random: { next: () => 0.5 },
        signal: new AbortController().signal,
      }),
  ),
  stored(
    "member",
    "processors/p/member",
    ['{"version":1,"group":"g","member":"brigade-upper-6f1c"}'],
    async (store) => (await StoredMember.load({ store, ...common })).former,
  ),
  {
    name: "lines/of records in JSON",
    samples: [
      '{"topic":"in","key":"k","value":"v","headers":[{"name":"h","value":"1"}]}\n{"value":null}\n',
      '{"keyBase64":"AAEC","valueBase64":"/w==","headers":[{"name":"h","valueBase64":"AA=="}]}\n',
    ].map(utf8),
    async read(input, random) {
      let line = 0;
      for await (const bytes of splitLines(chunks(cut(input, random)))) recordFromJson(showUtf8(bytes), ++line);
    },
    refusals: [InputError],
  },
];

async function* chunks(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
