import { afterAll, expect } from "bun:test";
import { mkdir } from "node:fs/promises";
import { BUSYBOX_IMAGE, DockerEngine, type ListedContainer } from "../support/docker.ts";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { processesOf } from "../support/e2e/leftovers.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";

/* Containers that are there before their records: warm ones, and those that are kept for one record after the other. */

const engine = await DockerEngine.start();
const docker = engine as DockerEngine;
const skip = typeof engine === "string" ? engine : undefined;

afterAll(async () => {
  if (skip === undefined) await docker[Symbol.asyncDispose]();
});

async function untilNoContainers(): Promise<void> {
  await eventually("no container is left", async () => (await docker.containers()).length === 0);
}

/** Waits for so many, all running, none of them among `but`. */
function untilRunning(count: number, but: readonly ListedContainer[] = []): Promise<readonly ListedContainer[]> {
  const former = new Set(but.map(({ Id }) => Id));
  return eventually(`${count} others run, and no more are there`, async () => {
    const all = await docker.containers();
    return all.length === count && all.every(({ Id, State }) => State === "running" && !former.has(Id)) && all;
  });
}

const WAYS = [
  ["warm containers", { warm: 2 }],
  ["kept containers", { isolation: "exec" }],
] as const;

for (const [what, fields] of WAYS) {
  endToEnd(
    `${what} pass each record on once, and nothing is left of them`,
    async (world) => {
      const command = ["tr", "a-z", "A-Z"];
      await world.define({
        ...definition("shout", "in", "out", command, fields),
        docker: BUSYBOX_IMAGE,
        error: "errors",
      });
      await using brigade = await startLocal(world, { args: ["--cpus", "2"], env: { DOCKER_HOST: docker.host } });
      const values = Array.from({ length: 25 }, (_, number) => `bucket ${String(number).padStart(2, "0")}`);
      await brigade.topics.produceValues("in", [...values, ""]);
      await brigade.api.untilSettled("shout", values.length + 1);
      expect(await brigade.topics.values("out")).toEqual(["", ...values.map((value) => value.toUpperCase())]);
      expect(await brigade.api.processor("shout")).toMatchObject({
        reason: null,
        counters: { failedAttempts: 0, errors: 0, reruns: {} },
      });
      expect(await brigade.process.end("SIGINT")).toBe(0);
      await untilNoContainers();
    },
    { skip },
  );

  endToEnd(
    `${what} go with their executor when that is killed, and their record runs again`,
    async (world) => {
      await mkdir(world.path("gate"));
      const command = "cat; while [ ! -e /gate/open ]; do sleep 0.05; done";
      const volumes = [{ "host-path": world.path("gate"), "container-path": "/gate", mode: "RO" }];
      await world.define({ ...definition("slow", "in", "out", command, fields), docker: BUSYBOX_IMAGE, volumes });
      await using brigade = await startLocal(world, { env: { DOCKER_HOST: docker.host } });
      await brigade.topics.produceValues("in", ["bucket"]);
      const count = "warm" in fields ? fields.warm : 1;
      const before = await untilRunning(count);
      await eventually("its record is with it", async () =>
        (await brigade.api.tasks()).some(({ state }) => state === "running"),
      );
      const executors = processesOf(world.folder).filter(({ command }) => command.endsWith(" executor"));
      expect(executors).toHaveLength(1);
      for (const { pid } of executors) process.kill(pid, "SIGKILL");
      await untilRunning(count, before);
      await world.write("gate/open", "");
      await brigade.api.untilSettled("slow", 1);
      expect(await brigade.topics.values("out")).toEqual(["bucket"]);
      expect(await brigade.process.end("SIGINT")).toBe(0);
      await untilNoContainers();
    },
    { skip },
  );

  endToEnd(
    `${what} take another definition's place, image and all`,
    async (world) => {
      await docker.makeImage("brigade-test-one:1", ['CMD ["sh", "-c", "cat; echo -one"]']);
      await docker.makeImage("brigade-test-two:1", ['CMD ["sh", "-c", "cat; echo -two"]']);
      const { command: _, ...rest } = definition("stamp", "in", "out", "", fields);
      await world.define({ ...rest, docker: "brigade-test-one:1" });
      await using brigade = await startLocal(world, { env: { DOCKER_HOST: docker.host } });
      await brigade.topics.produceValues("in", ["a"]);
      const { version } = await brigade.api.untilSettled("stamp", 1);
      const before = await docker.containers();
      await world.define({ ...rest, docker: "brigade-test-two:1" });
      await brigade.api.untilChanged("stamp", version);
      await brigade.topics.produceValues("in", ["b"]);
      await brigade.api.untilSettled("stamp", 2);
      expect(await brigade.topics.values("out")).toEqual(["a-one\n", "b-two\n"]);
      await untilRunning("warm" in fields ? fields.warm : 1, before);
      expect(await brigade.process.end("SIGINT")).toBe(0);
      await untilNoContainers();
    },
    { skip },
  );
}

endToEnd(
  "no more runs take place on an agent than it has warm containers, and status says what waits for them",
  async (world) => {
    await mkdir(world.path("gate"));
    const command = "cat; while [ ! -e /gate/open ]; do sleep 0.05; done";
    const volumes = [{ "host-path": world.path("gate"), "container-path": "/gate", mode: "RO" }];
    const fields = { warm: 2, docker: BUSYBOX_IMAGE, volumes };
    await world.define({ ...definition("slow", "in", "out", command), ...fields });
    await using brigade = await startLocal(world, { args: ["--cpus", "4"], env: { DOCKER_HOST: docker.host } });
    await brigade.topics.produceValues("in", ["one", "two", "three", "four", "five"]);
    // The memory of both is the executor's: 32 MB of its own, and twice 16.
    const reason =
      "needs 0.1 cpus, 0 MB (and 0.1 cpus, 64 MB for an executor): 1 host with all 2 runs that take place there at once";
    await eventually(`three wait, and the reason is told: ${reason}`, async () => {
      const [group] = (await brigade.api.processor("slow"))?.waiting ?? [];
      return group?.count === 3 && group.reason === reason;
    });
    await untilRunning(2);
    await world.write("gate/open", "");
    await brigade.api.untilSettled("slow", 5);
    expect(await brigade.topics.values("out")).toEqual(["five", "four", "one", "three", "two"]);
    expect(await brigade.process.end("SIGINT")).toBe(0);
    await untilNoContainers();
  },
  { skip },
);

endToEnd(
  "a program that does not wait for its input turns warm containers off, and status says why",
  async (world) => {
    const fields = { warm: 2, docker: BUSYBOX_IMAGE, concurrency: 1 };
    await world.define({ ...definition("hasty", "in", "out", "sleep 0.2; echo out"), ...fields });
    await using brigade = await startLocal(world, { env: { DOCKER_HOST: docker.host } });
    const { api, topics } = brigade;
    await topics.produceValues("in", ["1"]);
    await api.untilSettled("hasty", 1);
    await untilNoContainers();
    await topics.produceValues("in", ["2"]);
    await api.untilSettled("hasty", 2);
    expect(await topics.values("out")).toEqual(["out\n", "out\n"]);
    const told =
      /hasty: on \S+: each message gets a fresh container, because one that should have waited ended before its first: exit code 0\n/;
    await eventually(`status tells ${told}`, async () => told.test(await world.mustRun(["status", "--api", api.url])));
    const { counters, phase } = (await api.processor("hasty")) ?? {};
    expect({ phase, counters }).toMatchObject({ phase: "running", counters: { failedAttempts: 0, errors: 0 } });
    expect(await brigade.process.end("SIGINT")).toBe(0);
    await untilNoContainers();
  },
  { skip },
);
