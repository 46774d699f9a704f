import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DockerEngine } from "../../support/docker.ts";
import { eventually } from "../../support/e2e/eventually.ts";
import { Registry } from "../../support/registry.ts";
import { ContainerExecutor, containerRequest, type RunParts } from "./harness.ts";

/*
 * Where images come from: a real Engine and a registry on loopback, both started here.
 */

const engine = await DockerEngine.start();
const why = typeof engine === "string" ? ` [${engine}]` : "";
const docker = engine as DockerEngine;
const CREDENTIALS = "me:hunter2";

afterAll(async () => {
  if (typeof engine !== "string") await engine[Symbol.asyncDispose]();
});

describe.skipIf(why !== "")(`an image${why}`, () => {
  let registry: Registry;
  let executor: ContainerExecutor;
  let folder: string;
  let names = 0;
  beforeAll(async () => {
    registry = await Registry.start();
    executor = new ContainerExecutor(docker);
    folder = mkdtempSync(join(tmpdir(), "brigade-images-"));
  });
  afterEach(async () => {
    registry.credentials = null;
    await eventually("no container is left", async () => (await docker.containers()).length === 0);
  });
  afterAll(async () => {
    await executor[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  /** A name that no other test uses. */
  const newName = (): string => `app-${++names}:1`;
  const full = (name: string): string => `${registry.host}/${name}`;

  async function printed(of: ContainerExecutor, name: string, parts: RunParts = {}): Promise<string> {
    const { outcome, stdout } = await of.run(containerRequest(null, { image: full(name), ...parts }));
    expect(outcome).toEqual({ type: "succeeded" });
    return Buffer.from(stdout).toString();
  }

  test("that is not here is pulled once for all runs that wait for it", async () => {
    const name = newName();
    registry.offer(name, ["echo", "pulled"]);
    const outputs = await Promise.all(Array.from({ length: 5 }, () => printed(executor, name)));
    expect(outputs).toEqual(Array.from({ length: 5 }, () => "pulled\n"));
    expect(registry.count(`manifest ${name}`)).toBe(1);
    expect(registry.count(`layer ${name}`)).toBe(1);
  });

  test("that two executors pull at once is loaded once", async () => {
    const name = newName();
    registry.offer(name, ["echo", "pulled"]);
    await using second = new ContainerExecutor(docker, { executor: "executor-2" });
    const release = registry.holdLayers();
    const outputs = Promise.all([printed(executor, name), printed(second, name)]);
    // Not of both it fetches the manifest: an Engine keeps those that it has seen.
    await eventually("both pull", () => registry.count(`tag ${name}`) === 2);
    release();
    expect(await outputs).toEqual(["pulled\n", "pulled\n"]);
    expect(registry.count(`layer ${name}`)).toBe(1);
  });

  test("is not waited for by a run that is killed meanwhile, and is there for the next", async () => {
    const name = newName();
    registry.offer(name, ["echo", "pulled"]);
    const release = registry.holdLayers();
    const { handle, end } = executor.start(containerRequest(null, { image: full(name) }));
    await eventually("it is being pulled", () => registry.count(`layer ${name}`) === 1);
    handle.kill(0);
    expect(await end).toMatchObject({ type: "ended", result: { outcome: { type: "killed" } } });
    release();
    expect(await printed(executor, name)).toBe("pulled\n");
    expect(registry.count(`layer ${name}`)).toBe(1);
  });

  test("is pulled before each run, or only if it is not here, as the processor says", async () => {
    const name = newName();
    registry.offer(name, ["echo", "first"]);
    expect(await printed(executor, name)).toBe("first\n");
    registry.offer(name, ["echo", "second"]);
    expect(await printed(executor, name)).toBe("first\n");
    expect(await printed(executor, name, { container: { pull: "never" } })).toBe("first\n");
    expect(await printed(executor, name, { container: { pull: "always" } })).toBe("second\n");
    expect(await printed(executor, name)).toBe("second\n");
  });

  test("is never pulled where the processor says so", async () => {
    const name = newName();
    registry.offer(name, ["echo", "pulled"]);
    const { outcome } = await executor.run(containerRequest(null, { image: full(name), container: { pull: "never" } }));
    const message = `Cannot run image "${full(name)}": it is not on the agent, and container.pull is "never"`;
    expect(outcome).toEqual({ type: "not-startable", reason: "image-missing", message });
    expect(registry.count(`manifest ${name}`)).toBe(0);
  });

  test("that the registry does not have is missing, in its words", async () => {
    const { outcome } = await executor.run(containerRequest(null, { image: full("nowhere:1") }));
    expect(outcome).toMatchObject({ type: "not-startable", reason: "image-missing" });
    expect((outcome as { message: string }).message).toContain(
      `Cannot run image "${full("nowhere:1")}": it is not on the agent, and cannot be pulled: `,
    );
  });

  describe("of a registry that asks who one is", () => {
    const basic = (pair: string): string => Buffer.from(pair).toString("base64");

    function config(file: string, content: unknown): string {
      const path = join(folder, file);
      writeFileSync(path, JSON.stringify(content));
      return path;
    }

    test("is refused to one who does not say, or says it wrong", async () => {
      const name = newName();
      registry.offer(name, ["echo", "pulled"]);
      registry.credentials = CREDENTIALS;
      const wrong = config("wrong.json", { auths: { [registry.host]: { auth: basic("me:wrong") } } });
      for (const container of [{}, { credentials: wrong }]) {
        const { outcome } = await executor.run(containerRequest(null, { image: full(name), container }));
        expect(outcome).toMatchObject({ type: "not-startable", reason: "image-refused" });
        expect((outcome as { message: string }).message).not.toContain("wrong");
      }
    });

    test("comes with the credentials of Docker's config.json, and those of the processor's own file", async () => {
      const name = newName();
      registry.offer(name, ["echo", "pulled"]);
      registry.credentials = CREDENTIALS;
      const auths = { [registry.host]: { auth: basic(CREDENTIALS) } };
      const credentials = config("of-the-processor.json", { auths });
      expect(await printed(executor, name, { container: { credentials } })).toBe("pulled\n");

      const other = newName();
      registry.offer(other, ["echo", "pulled"]);
      config("config.json", { auths });
      await using withConfig = new ContainerExecutor(
        docker,
        { executor: "executor-2" },
        { env: { DOCKER_CONFIG: folder } },
      );
      expect(await printed(withConfig, other)).toBe("pulled\n");
    });

    test("comes with the credentials of a helper", async () => {
      const name = newName();
      registry.offer(name, ["echo", "pulled"]);
      registry.credentials = CREDENTIALS;
      const helper = join(folder, "docker-credential-test");
      writeFileSync(helper, `#!/bin/sh\nread -r r; echo '{"ServerURL":"'$r'","Username":"me","Secret":"hunter2"}'\n`);
      chmodSync(helper, 0o755);
      config("config.json", { credHelpers: { [registry.host]: "test" } });
      const env = { DOCKER_CONFIG: folder, PATH: `${folder}:/usr/bin:/bin` };
      await using withHelper = new ContainerExecutor(docker, { executor: "executor-2" }, { env });
      expect(await printed(withHelper, name)).toBe("pulled\n");
    });
  });
});
