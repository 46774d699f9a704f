import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunSpec } from "../../../src/engine/run-wire.ts";
import type { ProgramEnd } from "../../../src/programs/programs.ts";
import { DockerEngine } from "../../support/docker.ts";
import { eventually } from "../../support/e2e/eventually.ts";
import { EngineGate } from "../../support/engine-gate.ts";
import { Registry } from "../../support/registry.ts";
import { ContainerExecutor, containerRequest, type RunParts } from "./harness.ts";

/*
 * What happens to containers and images by others' hands between two calls of a run, at a real Docker Engine: it is never
 * the program's fault, nor the processor's.
 */

const folder = mkdtempSync(join(tmpdir(), "brigade-unlucky-"));
/** The Engine's runtime, which can be taken away. */
const runtime = join(folder, "runtime");
const giveRuntime = (): void => {
  writeFileSync(runtime, `#!/bin/sh\nexec ${Bun.which("runc") ?? "runc"} "$@"\n`);
  chmodSync(runtime, 0o755);
};
giveRuntime();

const engine = await DockerEngine.start(["--add-runtime", `own=${runtime}`, "--default-runtime", "own"]);
const why = typeof engine === "string" ? ` [${engine}]` : "";
const docker = engine as DockerEngine;

afterAll(async () => {
  if (typeof engine !== "string") await engine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const success = { type: "ended", result: { outcome: { type: "succeeded" } } };
const isolations: readonly (readonly [string, Partial<RunSpec>])[] = [
  ["in a fresh container", {}],
  ["in a warm container", { warm: 1 }],
  ["in a container that is kept", { isolation: "exec" }],
];

describe.skipIf(why !== "")(`an unlucky moment${why}`, () => {
  let gate: EngineGate;
  let executor: ContainerExecutor;
  beforeEach(async () => {
    gate = await EngineGate.start(docker);
    executor = new ContainerExecutor(gate);
  });
  afterEach(async () => {
    giveRuntime();
    await executor[Symbol.asyncDispose]();
    await gate[Symbol.asyncDispose]();
    await eventually("no container is left", async () => (await docker.containers()).length === 0);
  });

  const run = (
    spec: Partial<RunSpec>,
    parts: RunParts = {},
    command: readonly string[] = ["cat"],
  ): Promise<ProgramEnd> => executor.start(containerRequest(command, { ...parts, spec })).end;
  const remove = (id: string) => docker.request("DELETE", `/containers/${id}?force=1`);
  const idIn = (request: string): string => request.split("/")[2] ?? "";
  const theContainer = async (): Promise<string> =>
    eventually(
      "a container runs",
      async () => (await docker.containers()).find(({ State }) => State === "running")?.Id,
    );

  describe.each(isolations)("of a program %s", (_where, spec) => {
    test("somebody removes its container while it runs", async () => {
      const end = run(spec, {}, ["sleep", "1000"]);
      await remove(await theContainer());
      expect(await end).toMatchObject({ type: "lost" });
      expect(await run(spec)).toMatchObject(success);
    });

    test("somebody removes its container before it starts", async () => {
      gate.before(/^POST \/containers\/\w+\/start$/, (request) => remove(idIn(request)));
      expect(await run(spec)).toMatchObject({ type: "lost" });
      expect(await run(spec)).toMatchObject(success);
    });

    test("the Engine's runtime is being replaced", async () => {
      rmSync(runtime);
      expect(await run(spec)).toMatchObject({ type: "lost" });
      giveRuntime();
      expect(await run(spec)).toMatchObject(success);
    });

    test("its image comes as it is found missing", async () => {
      const image = `brigade-test-late:${Object.keys(spec).join("") || "fresh"}`;
      gate.before(/^GET \/images\//, () => docker.makeImage(image));
      expect(await run(spec, { image })).toMatchObject(success);
    });

    test("its image goes as soon as it was pulled", async () => {
      await using registry = await Registry.start();
      registry.offer("app:1", ["cat"]);
      const image = `${registry.host}/app:1`;
      // A fresh one is tried before anything is pulled.
      if (Object.keys(spec).length === 0) gate.before(/^POST \/containers\/create$/, () => Promise.resolve());
      gate.before(/^POST \/containers\/create$/, () => docker.untag(image));
      expect(await run(spec, { image })).toMatchObject({ type: "lost" });
      expect(await run(spec, { image })).toMatchObject(success);
    });
  });

  test.each([["create", /^POST \/containers\/\w+\/exec$/] as const, ["start", /^POST \/exec\/\w+\/start$/] as const])(
    "somebody pauses a kept container before the %s of its program, and never lets it go on",
    async (_call, pattern) => {
      const spec = { isolation: "exec" } as const;
      gate.before(pattern, async () => docker.request("POST", `/containers/${await theContainer()}/pause`));
      expect(await run(spec)).toMatchObject({ type: "lost" });
      expect(await run(spec)).toMatchObject(success);
    },
  );

  test("a run is killed as its warm container gets it: the next one finds another, though the program reads no input", async () => {
    const request = containerRequest(["sleep", "1000"], { spec: { warm: 1, timeoutMs: 50 } });
    const timedOut = { type: "ended", result: { outcome: { type: "timed-out" } } };
    expect(await executor.start(request).end).toMatchObject(timedOut);
    const { handle, end } = executor.start(request);
    gate.before(/\/attach\?stream=1&stdin=1$/, async () => handle.kill(0));
    expect(await end).toMatchObject({ type: "ended", result: { outcome: { type: "killed" } } });
    expect(await executor.start(request).end).toMatchObject(timedOut);
  });
});
