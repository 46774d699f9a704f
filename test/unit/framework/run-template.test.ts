import { describe, expect, test } from "bun:test";
import type { ProcessorSpec } from "../../../src/config/processor.ts";
import type { Run, RunId } from "../../../src/engine/ports.ts";
import { decodeRunRequest } from "../../../src/engine/run-wire.ts";
import { requestOf, runTemplate } from "../../../src/framework/run-template.ts";
import { quantities } from "../../../src/placement/quantities.ts";
import { processorSpec } from "../../support/specs.ts";

const options = { deployment: "brigade", executorCommand: "brigade executor", executorEnv: [] };

function spec(parts: Partial<ProcessorSpec>): ProcessorSpec {
  const program = { type: "image", image: "a", command: null, container: { pull: "if-missing" } } as const;
  const executor = { ...processorSpec().executor, cpus: 0.1, memMb: 64 };
  return processorSpec({ program, isolation: "container", cpus: 0.5, memMb: 100, executor, ...parts });
}

function requestFor(of: ProcessorSpec, alone: boolean): ReturnType<typeof requestOf> {
  const record = { topic: "in", partition: 0, offset: 1, timestampMs: 0, key: null, value: null, headers: [] };
  const run: Run = { id: "run-1" as RunId, spec: of, record, attempt: 1, alone };
  return requestOf(run, runTemplate(of, options));
}

describe("warm containers", () => {
  test("are paid for by the executor, whose tasks ask for CPUs only and are as many at once", () => {
    const { shape } = requestFor(spec({ warm: 3 }), false).template;
    expect(shape.resources).toEqual(quantities({ cpus: 0.5, memMb: 0 }));
    expect(shape.executor).toMatchObject({ resources: quantities({ cpus: 0.1, memMb: 364 }), slots: 3 });
  });

  test("are not kept for a run that has an executor for itself", () => {
    const { template, content } = requestFor(spec({ warm: 3 }), true);
    expect(template.shape.resources).toEqual(quantities({ cpus: 0.5, memMb: 100 }));
    expect(template.shape.executor?.resources).toEqual(quantities({ cpus: 0.1, memMb: 64 }));
    expect(decodeRunRequest(content().data ?? new Uint8Array()).spec.warm).toBe(0);
  });

  test("of another number or size need another executor, those of another image do not", () => {
    const image = { type: "image", image: "b", command: null, container: { pull: "if-missing" } } as const;
    const hashOf = (parts: Partial<ProcessorSpec>): string | undefined =>
      requestFor(spec(parts), false).template.executor?.hash;
    const hashes = [hashOf({}), hashOf({ warm: 1 }), hashOf({ warm: 2 }), hashOf({ warm: 2, memMb: 200 })];
    expect(new Set(hashes).size).toBe(4);
    expect(hashOf({ warm: 2, program: image })).toBe(hashOf({ warm: 2 }));
    // Without any, tasks pay for themselves.
    expect(hashOf({ memMb: 200 })).toBe(hashOf({}));
  });
});
