import { utf8 } from "../../src/base/bytes.ts";
import type { InputRecord } from "../../src/engine/ports.ts";
import type { RunRequest, RunSpec } from "../../src/engine/run-wire.ts";

/** A run of `cat` as a plain process, in all that is not said otherwise. */
export function runRequest(spec: Partial<RunSpec>, record: Partial<InputRecord> = {}): RunRequest {
  return {
    spec: {
      name: "echo",
      program: { type: "command", command: ["cat"] },
      isolation: "process",
      warm: 0,
      maxUses: 1000,
      cpus: 1,
      memMb: 32,
      volumes: [],
      env: [],
      secrets: [],
      timeoutMs: null,
      maxOutputBytes: 900_000,
      version: "v1",
      ...spec,
    },
    record: {
      topic: "in",
      partition: 2,
      offset: 42,
      timestampMs: 1_700_000_000_000,
      key: null,
      value: utf8("hello"),
      headers: [],
      ...record,
    },
    attempt: 1,
  };
}
