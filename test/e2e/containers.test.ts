import { afterAll, expect } from "bun:test";
import { existsSync } from "node:fs";
import { copyFile, mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { BUSYBOX_IMAGE, DockerEngine, type ListedContainer } from "../support/docker.ts";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { processesOf } from "../support/e2e/leftovers.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";
import type { World } from "../support/e2e/world.ts";

/* Processors whose programs are Docker images, at an Engine that is started here. */

const SAMPLES = join(import.meta.dir, "../unit/config/samples");

const engine = await DockerEngine.start();
const docker = engine as DockerEngine;
const skip = typeof engine === "string" ? engine : undefined;

afterAll(async () => {
  if (skip === undefined) await docker[Symbol.asyncDispose]();
});

async function untilNoContainers(): Promise<void> {
  await eventually("no container is left", async () => (await docker.containers()).length === 0);
}

/** A volume of a sample file, made where it is not there and removed again. */
async function folder(path: string): Promise<AsyncDisposable> {
  const isNew = !existsSync(path);
  if (isNew) await mkdir(path);
  return { [Symbol.asyncDispose]: async () => (isNew ? rmdir(path) : undefined) };
}

endToEnd(
  "the original's processor files run unchanged with images of this machine, those of the dev branch included",
  async (world) => {
    for (const image of ["echo", "sl-nitf-extractor:latest"]) await docker.makeImage(image, ['CMD ["cat"]']);
    await docker.makeImage("thumbs:1", ['CMD ["sh", "-c", "echo $FOO $A; cat; ls -d /in"]']);
    for (const name of ["original.json", "readme.json", "dev.json"]) {
      await copyFile(join(SAMPLES, name), world.path("processors", name));
    }
    await using _ = await folder("/srv/in");
    await using brigade = await startLocal(world, { args: ["--cpus", "4"], env: { DOCKER_HOST: docker.host } });
    const { topics } = brigade;
    await topics.produceValues("test2", ["one", "two"]);
    await topics.produceValues("pictures", ["picture"]);
    await topics.produceValues("catalog.file.id.sl-nitf", ["file"]);

    await brigade.api.untilSettled("PROCESSOR2", 2);
    expect(await topics.values("test3")).toEqual(["one", "two"]);
    await brigade.api.untilSettled("thumbs", 1);
    expect(await topics.values("thumbnails")).toEqual(["BAR B\npicture/in\n"]);
    await brigade.api.untilSettled("SL-NITF-Metadata-Extractor", 1);
    expect(await topics.values("catalog.meta.extracted")).toEqual(["file"]);

    await untilNoContainers();
    expect(await brigade.process.end("SIGINT")).toBe(0);
  },
  { skip },
);

endToEnd(
  "a missing image pauses its processor with the reason, until the image is there",
  async (world) => {
    await world.define({
      name: "ghost",
      input: "in",
      output: "out",
      docker: "localhost:1/ghost:1",
      cpus: 0.2,
      mem: 16,
    });
    await using brigade = await startLocal(world, { env: { DOCKER_HOST: docker.host } });
    await brigade.topics.produceValues("in", ["boo"]);
    const paused = await eventually("it is paused", async () => {
      const ghost = await brigade.api.processor("ghost");
      return ghost?.phase === "paused" && ghost;
    });
    expect(paused.reason).toContain('Cannot run image "localhost:1/ghost:1": it is not on the agent');
    await docker.makeImage("localhost:1/ghost:1", ['CMD ["cat"]']);
    await brigade.api.untilSettled("ghost", 1);
    expect(await brigade.topics.values("out")).toEqual(["boo"]);
    expect(await brigade.process.end("SIGINT")).toBe(0);
    await docker.untag("localhost:1/ghost:1");
    await untilNoContainers();
  },
  { skip },
);

/** A processor that passes a record on once its gate is open. */
async function gated(world: World): Promise<{ open(): Promise<unknown> }> {
  await mkdir(world.path("gate"));
  const command = "trap 'exit 1' TERM; cat; while [ ! -e /gate/open ]; do sleep 0.05; done";
  const volumes = [{ "host-path": world.path("gate"), "container-path": "/gate", mode: "RO" }];
  await world.define({ ...definition("slow", "in", "out", command), docker: BUSYBOX_IMAGE, volumes });
  return { open: () => world.write("gate/open", "") };
}

/** Waits for the one container that there is, running. @param after another one than this */
function untilOneRuns(after?: ListedContainer): Promise<ListedContainer> {
  return eventually("one container runs, and no other is there", async () => {
    const [first, ...others] = await docker.containers();
    return first?.State === "running" && others.length === 0 && first.Id !== after?.Id && first;
  });
}

endToEnd(
  "an executor that is killed leaves no container behind, and its record runs again",
  async (world) => {
    const gate = await gated(world);
    await using brigade = await startLocal(world, { env: { DOCKER_HOST: docker.host } });
    await brigade.topics.produceValues("in", ["bucket"]);
    const first = await untilOneRuns();
    const executors = processesOf(world.folder).filter(({ command }) => command.endsWith(" executor"));
    expect(executors).not.toEqual([]);
    for (const { pid } of executors) process.kill(pid, "SIGKILL");
    await untilOneRuns(first);
    await gate.open();
    await brigade.api.untilSettled("slow", 1);
    expect(await brigade.topics.values("out")).toEqual(["bucket"]);
    expect(await brigade.process.end("SIGINT")).toBe(0);
    await untilNoContainers();
  },
  { skip },
);

endToEnd(
  "an Engine that is killed and started again loses no record and fails none",
  async (world) => {
    const gate = await gated(world);
    await using brigade = await startLocal(world, { env: { DOCKER_HOST: docker.host } });
    await brigade.topics.produceValues("in", ["bucket"]);
    await untilOneRuns();
    await docker.endDaemon("SIGKILL");
    await eventually("its run is counted as lost", async () => {
      const { reruns = {} } = (await brigade.api.processor("slow"))?.counters ?? {};
      return "daemon-lost" in reruns;
    });
    await docker.startDaemon();
    await gate.open();
    await brigade.api.untilSettled("slow", 1);
    expect(await brigade.topics.values("out")).toEqual(["bucket"]);
    const slow = await brigade.api.processor("slow");
    expect(slow?.counters).toMatchObject({ failedAttempts: 0, errors: 0 });
    expect(await brigade.process.end("SIGINT")).toBe(0);
  },
  { skip },
);
