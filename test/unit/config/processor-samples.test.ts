import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { consumerGroup } from "../../../src/config/names.ts";
import type { ProcessorSpec } from "../../../src/config/processor.ts";
import { parseProcessors } from "../../../src/config/processor-schema.ts";

const sample = (name: string): Promise<string> => Bun.file(join(import.meta.dir, "samples", name)).text();

function only(text: string): ProcessorSpec {
  const { processors, problems } = parseProcessors(text, "test.json");
  expect(problems).toEqual([]);
  expect(processors).toHaveLength(1);
  return processors[0]!;
}

describe("the original's forms are accepted unchanged", () => {
  test("its sample of two processors, with numbers as text", async () => {
    const { processors, problems } = parseProcessors(await sample("original.json"), "original.json");
    expect(problems).toEqual([]);
    expect(processors.map(({ name, input, output, error }) => ({ name, input, output, error }))).toEqual([
      { name: "PROCESSOR", input: "test2", output: "test3", error: null },
      { name: "PROCESSOR2", input: "test3", output: null, error: null },
    ]);
    const [first, second] = processors;
    expect(first).toMatchObject({ cpus: 0.45, memMb: 64, isolation: "container", volumes: [], env: [], group: null });
    expect(first?.program).toEqual({
      type: "image",
      image: "echo",
      command: null,
      container: { pull: "if-missing" },
    });
    expect(consumerGroup("brigade", first!)).toBe("BrigadeProc-test2-PROCESSOR");
    expect(consumerGroup("brigade", second!)).toBe("BrigadeProc-test3-PROCESSOR2");
  });

  test("every field that master has", async () => {
    expect(only(await sample("readme.json"))).toMatchObject({
      name: "thumbs",
      error: { topic: "thumbs-errors", value: "stdout" },
      memMb: 64,
      cpus: 0.2,
      volumes: [{ hostPath: "/srv/in", containerPath: "/in", mode: "RO" }],
      env: [
        ["FOO", "BAR"],
        ["A", "B"],
      ],
    });
  });

  test("the dev branch's form, whose name has blanks: it is made usable, and the consumer group keeps it", async () => {
    const { processors, problems } = parseProcessors(await sample("dev.json"), "dev.json");
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ severity: "warning", path: "$.name", line: 2 });
    expect(problems[0]?.message).toContain('"SL NITF Metadata Extractor"');
    expect(problems[0]?.message).toContain('"SL-NITF-Metadata-Extractor"');
    expect(processors[0]).toMatchObject({
      name: "SL-NITF-Metadata-Extractor",
      program: { type: "image", image: "sl-nitf-extractor:latest", command: null, container: { pull: "always" } },
      memMb: 40,
      cpus: 0.1,
      group: "BrigadeProc-catalog.file.id.sl-nitf-SL NITF Metadata Extractor",
    });
  });

  test("the dev branch's own defaults", () => {
    const spec = only('{"name": "a", "input": "b", "extractor": {"dockerImage": "c"}}');
    expect(spec).toMatchObject({ memMb: 64, cpus: 0.5, program: { container: { pull: "if-missing" } } });
  });

  test("constraints, with and without an attribute", () => {
    const spec = only(`{"name": "a", "input": "b", "docker": "c", "constraints": [
      {"attribute": "rack", "value": "r1"}, {"value": "host-7"}, {"attribute": "", "value": "host-8"}]}`);
    expect(spec.constraints).toEqual([
      { attribute: "rack", value: "r1" },
      { attribute: null, value: "host-7" },
      { attribute: null, value: "host-8" },
    ]);
  });
});

describe("a processor", () => {
  test("gets every default", () => {
    expect(only('{"name": "a", "input": "b", "command": "cat"}')).toEqual({
      name: "a",
      input: "b",
      output: null,
      error: null,
      program: { type: "command", command: "cat" },
      isolation: "process",
      warm: 0,
      maxUses: 1000,
      cpus: 0.2,
      memMb: 64,
      volumes: [],
      env: [],
      secrets: [],
      constraints: [],
      timeoutMs: null,
      retry: { attempts: 3, initialBackoffMs: 1000, maxBackoffMs: 60_000, maxAgeMs: 86_400_000 },
      maxOutputBytes: 900_000,
      emptyOutput: "send",
      concurrency: 100,
      maxInFlightBytes: 64_000_000,
      from: "earliest",
      group: null,
      ordering: "none",
      overlap: "allow",
      unreachableTimeoutMs: 60_000,
      drainTimeoutMs: 60_000,
      executor: { container: null, cpus: 0.1, memMb: 64, idleTimeoutMs: 60_000, maxTasks: 100_000, env: [] },
      version: expect.stringMatching(/^[0-9a-f]{12}$/),
    });
  });

  test("takes every field", () => {
    const spec = only(`{
      "$schema": "./brigade.schema.json", "x-owner": {"team": "maps"},
      "name": "a", "input": "b", "output": "c", "error": {"topic": "d", "value": "input", "x-why": 1},
      "docker": "image:1", "command": ["--fast", ""], "mem": "1.5GB",
      "container": {"pull": "never", "credentials": "/etc/registry.json", "user": "1000", "privileged": "false", "dns": []},
      "secrets": {"Z": "/z", "Y": "/y"}, "cpus": 2, "env": ["A=", "B=x=y"],
      "volumes": [{"host-path": "/a", "container-path": "/b"}],
      "isolation": "container", "timeout": "1h30m", "retry": {"attempts": "5", "backoff": "100ms", "max-backoff": "2s", "max-age": "7d"},
      "max-output": "4MiB", "empty-output": "drop", "concurrency": 7, "max-in-flight": "1GB", "from": "latest",
      "group": "my group", "ordering": "key",
      "executor": {
        "image": "brigade:1", "forcePull": "true", "volumes": [{"host-path": "/c", "container-path": "/d", "mode": "ro"}],
        "cpus": "0.5", "mem": "128MiB", "idle-timeout": "5m", "max-tasks": 10, "env": ["C=D"]
      }
    }`);
    expect(spec).toMatchObject({
      error: { topic: "d", value: "input" },
      program: {
        type: "image",
        image: "image:1",
        command: ["--fast", ""],
        container: { pull: "never", credentials: "/etc/registry.json", user: "1000" },
      },
      secrets: [
        ["Y", "/y"],
        ["Z", "/z"],
      ],
      memMb: 1536,
      env: [
        ["A", ""],
        ["B", "x=y"],
      ],
      volumes: [{ hostPath: "/a", containerPath: "/b", mode: "RW" }],
      timeoutMs: 5_400_000,
      retry: { attempts: 5, initialBackoffMs: 100, maxBackoffMs: 2000, maxAgeMs: 604_800_000 },
      maxOutputBytes: 4_194_304,
      emptyOutput: "drop",
      concurrency: 7,
      maxInFlightBytes: 1_000_000_000,
      from: "latest",
      group: "my group",
      ordering: "key",
      executor: {
        container: {
          image: "brigade:1",
          forcePull: true,
          volumes: [{ hostPath: "/c", containerPath: "/d", mode: "RO" }],
        },
        cpus: 0.5,
        memMb: 128,
        idleTimeoutMs: 300_000,
        maxTasks: 10,
        env: [["C", "D"]],
      },
    });
  });

  test("has no output and no error topic where these are empty, as the original has it", () => {
    const spec = only('{"name": "a", "input": "b", "docker": "c", "output": "", "error": ""}');
    expect(spec).toMatchObject({ output: null, error: null });
  });

  test("has the same version however it is written, and another one once it means something else", () => {
    const version = (text: string): string => only(text).version;
    const base = version('{"name": "a", "input": "b", "docker": "c", "mem": 64, "retry": {"backoff": "60s"}}');
    expect(
      version('{"x-note": 1, "docker": "c", "retry": {"backoff": "1m"}, "input": "b", "name": "a", "mem": "64MB"}'),
    ).toBe(base);
    for (const changed of ['"mem": 65', '"env": ["A=B"]', '"error": "e"', '"constraints": [{"value": "h"}]']) {
      expect(version(`{"name": "a", "input": "b", "docker": "c", "retry": {"backoff": "60s"}, ${changed}}`)).not.toBe(
        base,
      );
    }
  });
});
