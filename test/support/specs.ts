import type { ProcessorSpec } from "../../src/config/processor.ts";

/** A complete specification; a test names only what it is about. */
export function processorSpec(overrides: Partial<ProcessorSpec> = {}): ProcessorSpec {
  return {
    name: "upper",
    input: "in",
    output: "out",
    error: { topic: "errors", value: "stdout" },
    program: { type: "command", command: ["cat"] },
    isolation: "process",
    warm: 0,
    maxUses: 1000,
    cpus: 0.1,
    memMb: 32,
    volumes: [],
    env: [],
    secrets: [],
    constraints: [],
    timeoutMs: null,
    retry: { attempts: 3, initialBackoffMs: 1000, maxBackoffMs: 60_000, maxAgeMs: 86_400_000 },
    maxOutputBytes: 900_000,
    emptyOutput: "send",
    concurrency: 10,
    maxInFlightBytes: 64_000_000,
    from: "earliest",
    group: null,
    ordering: "none",
    overlap: "allow",
    unreachableTimeoutMs: 60_000,
    drainTimeoutMs: 60_000,
    executor: { container: null, cpus: 0.1, memMb: 64, idleTimeoutMs: 60_000, maxTasks: 100_000, env: [] },
    version: "v1",
    ...overrides,
  };
}
