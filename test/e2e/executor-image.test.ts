import { afterAll, expect } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { compiledBrigade } from "../support/compiled-brigade.ts";
import { BUSYBOX_IMAGE, DockerEngine, type ListedContainer } from "../support/docker.ts";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd, endToEndOnce } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { kill, processesOf } from "../support/e2e/leftovers.ts";
import { type LocalBrigade, startLocal } from "../support/e2e/local-brigade.ts";
import type { World } from "../support/e2e/world.ts";

/* Executors that run from an image, made by scripts/image, at an Engine that is started here. */

const IMAGE = "brigade-test-executor:1";
/** Of something else. */
const ODD_IMAGE = "brigade-test-odd:1";

const folder = await mkdtemp(join(tmpdir(), "brigade-executor-image-"));
const archive = join(folder, "image.tar");
const engine = await DockerEngine.start();
const docker = engine as DockerEngine;
const skip = typeof engine === "string" ? engine : undefined;
if (skip === undefined) {
  makeImage(archive);
  await docker.load(archive);
}

// Docker makes a folder that is mounted and not there.
const POLICY_FOLDER = "/etc/brigade";
const hadPolicyFolder = existsSync(POLICY_FOLDER);

afterAll(async () => {
  if (skip === undefined) await docker[Symbol.asyncDispose]();
  if (!hadPolicyFolder && existsSync(POLICY_FOLDER)) await rmdir(POLICY_FOLDER);
  await rm(folder, { recursive: true });
});

function makeImage(output: string): void {
  const script = resolve(import.meta.dir, "../../scripts/image.ts");
  const args = ["--binary", compiledBrigade(), "--name", IMAGE, "--output", output];
  const made = Bun.spawnSync([process.execPath, script, ...args], { env: { PATH: process.env["PATH"] ?? "" } });
  if (!made.success) throw new Error(made.stderr.toString());
}

function local(world: World, args: readonly string[] = []): Promise<LocalBrigade> {
  return startLocal(world, { args: ["--cpus", "4", ...args], env: { DOCKER_HOST: docker.host } });
}

async function untilNoContainers(): Promise<void> {
  await eventually("no container is left", async () => (await docker.containers()).length === 0);
}

function isExecutor({ Image }: ListedContainer): boolean {
  return Image === IMAGE;
}

/** Passes a record on once its gate is open; runs in a container, and so does its executor. */
async function gated(world: World, name = "slow"): Promise<{ open(): Promise<unknown> }> {
  await mkdir(world.path("gate"), { recursive: true });
  const command = "trap 'exit 1' TERM; cat; while [ ! -e /gate/open ]; do sleep 0.05; done";
  const volumes = [{ "host-path": world.path("gate"), "container-path": "/gate", mode: "RO" }];
  const executor = { image: IMAGE, cpus: 0.1, mem: 32 };
  const base = definition(name, `in-${name}`, `out-${name}`, command);
  await world.define({ ...base, docker: BUSYBOX_IMAGE, volumes, executor });
  return { open: () => world.write("gate/open", "") };
}

/** An executor and one program, both running, and nothing else but `others`. @param after another program than this */
function untilOneRuns(after?: ListedContainer): Promise<ListedContainer> {
  return eventually("one executor and one program run in containers", async () => {
    const all = (await docker.containers()).filter(({ State }) => State === "running");
    const [first, ...others] = all.filter((one) => !isExecutor(one));
    const executors = all.filter(isExecutor);
    return first !== undefined && others.length === 0 && executors.length === 1 && first.Id !== after?.Id && first;
  });
}

/** Until then it is no executor to the agent, which takes the end of one for a launch that came to nothing. */
function untilLaunched(world: World): Promise<unknown> {
  return eventually("the executor's launch is complete", async () => {
    for await (const journal of new Bun.Glob("**/journal.ndjson").scan({ cwd: world.path("tmp"), absolute: true })) {
      if ((await Bun.file(journal).text()).includes('"type":"process"')) return true;
    }
    return false;
  });
}

endToEndOnce(
  "an image of Brigade is the same when it is made again, runs, and says its version",
  async (world) => {
    const again = join(folder, "again.tar");
    makeImage(again);
    const digests = await Promise.all(
      [archive, again].map(async (file) =>
        createHash("sha256")
          .update(await Bun.file(file).bytes())
          .digest("hex"),
      ),
    );
    expect(new Set(digests).size).toBe(1);
    const version = await world.mustRun(["--version"]);
    expect(await docker.outputOf(IMAGE, ["--version"])).toBe(version);
    const { Config } = (await (await docker.request("GET", `/images/${IMAGE}/json`)).json()) as {
      Config: { Labels: Record<string, string> };
    };
    expect(`brigade ${Config.Labels["org.opencontainers.image.version"]}\n`).toBe(version);
  },
  { skip },
);

endToEnd(
  "an executor from an image runs records through containers, beside one on the host, and leaves nothing",
  async (world) => {
    const base = definition("shout", "in", "loud", 'tr a-z A-Z; echo " $WORD"');
    // What the executor reads of the host, it sees from within its container.
    const secrets = { WORD: await world.write("secrets/word", "please\n") };
    const executor = { image: IMAGE, cpus: 0.1, mem: 32, "idle-timeout": "1s" };
    await world.define(
      { ...base, docker: BUSYBOX_IMAGE, secrets, executor },
      { ...definition("whisper", "loud", "quiet", ["tr", "A-Z", "a-z"]), docker: BUSYBOX_IMAGE },
    );
    await using brigade = await local(world);
    await brigade.topics.produceValues("in", ["one", "two", "three"]);
    await brigade.api.untilSettled("whisper", 3);
    const loud = ["ONE please\n", "THREE please\n", "TWO please\n"];
    expect(await brigade.topics.values("loud")).toEqual(loud);
    expect(await brigade.topics.values("quiet")).toEqual(loud.map((line) => line.toLowerCase()));
    // It leaves when it is idle, and with it its container.
    await untilNoContainers();
    expect(await brigade.process.end("SIGINT")).toBe(0);
  },
  { skip },
);

endToEnd(
  "a command of an executor from an image runs in the executor's own container, which has no socket",
  async (world) => {
    const executor = { image: IMAGE, cpus: 0.1, mem: 64 };
    await world.define(definition("version", "in", "out", ["/usr/local/bin/brigade", "--version"], { executor }));
    await using brigade = await local(world);
    await brigade.topics.produceValues("in", ["?"]);
    await brigade.api.untilSettled("version", 1);
    expect(await brigade.topics.values("out")).toEqual([await world.mustRun(["--version"])]);
    const [container] = await docker.containers();
    const answer = await docker.request("GET", `/containers/${container!.Id}/json`);
    const { Mounts } = (await answer.json()) as { Mounts: { Destination: string }[] };
    expect(Mounts.map(({ Destination }) => Destination).sort()).toEqual(["/etc/brigade", "/mnt/mesos/sandbox"]);
    expect(await brigade.process.end("SIGINT")).toBe(0);
    await untilNoContainers();
  },
  { skip },
);

endToEnd(
  "an agent that dies takes an executor in a container along: its record runs again, which is counted",
  async (world) => {
    const gate = await gated(world);
    await using brigade = await local(world);
    await brigade.topics.produceValues("in-slow", ["bucket"]);
    const first = await untilOneRuns();
    await untilLaunched(world);
    const [agent] = processesOf(world.folder).filter(({ command }) => command.includes(" local-mesos "));
    kill(agent!.pid);
    await brigade.process.says(/"msg":"engine serves again"/);
    // What the first executor has left is swept by the next one, from within its container.
    await untilOneRuns(first);
    await gate.open();
    const slow = await brigade.api.untilSettled("slow", 1);
    expect(slow.counters).toMatchObject({ failedAttempts: 0, errors: 0, reruns: { "executor-lost": 1 } });
    expect(await brigade.topics.values("out-slow")).toEqual(["bucket"]);
    expect(await brigade.process.end("SIGINT")).toBe(0);
    await untilNoContainers();
  },
  { skip },
);

endToEnd(
  "an executor that is killed in its container leaves none behind; live ones elsewhere are not touched",
  async (world) => {
    const gate = await gated(world, "slow");
    await using brigade = await local(world);
    await brigade.topics.produceValues("in-slow", ["bucket"]);
    const first = await untilOneRuns();
    // On the host, with a container of its own that must live on while the other executor sweeps.
    await world.define({
      ...definition("host", "in-host", "out-host", "cat; while [ ! -e /gate/open ]; do sleep 0.05; done"),
      docker: BUSYBOX_IMAGE,
      volumes: [{ "host-path": world.path("gate"), "container-path": "/gate", mode: "RO" }],
    });
    await brigade.api.untilRunning("host");
    await brigade.topics.produceValues("in-host", ["other"]);
    const other = await eventually("the other program runs", async () =>
      (await docker.containers()).find(
        ({ Labels, State }) => Labels["io.brigade.processor"] === "host" && State === "running",
      ),
    );
    const [executor] = (await docker.containers()).filter(isExecutor);
    await docker.request("POST", `/containers/${executor!.Id}/kill?signal=SIGKILL`);
    await eventually("the program runs again, and its first run is swept", async () => {
      const ids = (await docker.containers()).filter((one) => one.Labels["io.brigade.processor"] === "slow");
      return ids.length === 1 && ids[0]?.Id !== first.Id && ids[0]?.State === "running";
    });
    expect((await docker.containers()).some(({ Id, State }) => Id === other.Id && State === "running")).toBe(true);
    await gate.open();
    await brigade.api.untilSettled("slow", 1);
    const host = await brigade.api.untilSettled("host", 1);
    expect(host.counters.reruns).toEqual({});
    expect(await brigade.process.end("SIGINT")).toBe(0);
    await untilNoContainers();
  },
  { skip },
);

endToEnd(
  "an Engine that is killed with an executor in it, and started again, loses no record and fails none",
  async (world) => {
    const gate = await gated(world);
    await using brigade = await local(world);
    await brigade.topics.produceValues("in-slow", ["bucket"]);
    const first = await untilOneRuns();
    await untilLaunched(world);
    await docker.endDaemon("SIGKILL");
    await docker.startDaemon();
    await untilOneRuns(first);
    await gate.open();
    const slow = await brigade.api.untilSettled("slow", 1);
    expect(slow.counters).toMatchObject({ failedAttempts: 0, errors: 0 });
    expect(Object.keys(slow.counters.reruns)).not.toEqual([]);
    expect(await brigade.topics.values("out-slow")).toEqual(["bucket"]);
    expect(await brigade.process.end("SIGINT")).toBe(0);
    await untilNoContainers();
  },
  { skip },
);

endToEnd(
  "an executor's image that is missing pauses the processor with that reason, until it is there",
  async (world) => {
    const missing = "localhost:1/brigade-missing:1";
    const base = definition("ghost", "in", "out", ["cat"]);
    await world.define({ ...base, docker: BUSYBOX_IMAGE, executor: { image: missing, cpus: 0.1, mem: 32 } });
    await using brigade = await local(world);
    await brigade.topics.produceValues("in", ["boo"]);
    const paused = await brigade.api.untilPaused("ghost", /cannot start the executor/);
    expect(paused.reason).toContain(`Cannot run image "${missing}": it is not on the agent`);
    expect(await docker.containers()).toEqual([]);
    await docker.tag(IMAGE, missing);
    const ghost = await brigade.api.untilSettled("ghost", 1);
    expect(ghost.counters).toMatchObject({ failedAttempts: 0, errors: 0, reruns: {} });
    expect(await brigade.topics.values("out")).toEqual(["boo"]);
    expect(await brigade.process.end("SIGINT")).toBe(0);
    await docker.untag(missing);
    await untilNoContainers();
  },
  { skip },
);

endToEnd(
  "an image whose program is another one pauses the processor, and no record is blamed",
  async (world) => {
    const base = definition("odd", "in", "out", ["cat"]);
    await docker.makeImage(ODD_IMAGE, ['ENTRYPOINT ["false"]']);
    const executor = { image: ODD_IMAGE, cpus: 0.1, mem: 32 };
    await world.define({ ...base, docker: BUSYBOX_IMAGE, executor });
    await using brigade = await local(world);
    await brigade.topics.produceValues("in", ["bucket"]);
    await brigade.api.untilPaused("odd", /executor-start-failed: .*Container exited with status 1/);
    await world.define({ ...base, docker: BUSYBOX_IMAGE, executor: { ...executor, image: IMAGE } });
    const odd = await brigade.api.untilSettled("odd", 1);
    expect(odd.counters).toMatchObject({ failedAttempts: 0, errors: 0 });
    // What may have begun to run is counted.
    expect(Object.keys(odd.counters.reruns)).toEqual(["executor-start-failed"]);
    expect(await brigade.topics.values("out")).toEqual(["bucket"]);
    expect(await brigade.process.end("SIGINT")).toBe(0);
    await untilNoContainers();
  },
  { skip },
);
