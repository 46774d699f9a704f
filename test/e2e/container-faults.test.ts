import { afterAll, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { BUSYBOX_IMAGE, DockerEngine, type ListedContainer } from "../support/docker.ts";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { processesOf } from "../support/e2e/leftovers.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";
import { header, type JsonRecord } from "../support/e2e/topics.ts";
import type { World } from "../support/e2e/world.ts";

/* What containers may do, and what may become of them, of their Engine and of their executor: promises I7 and I9. */

const engine = await DockerEngine.start();
const docker = engine as DockerEngine;
const skip = typeof engine === "string" ? engine : undefined;

afterAll(async () => {
  if (skip === undefined) await docker[Symbol.asyncDispose]();
});

async function untilNoContainers(): Promise<void> {
  await eventually("no container is left", async () => (await docker.containers()).length === 0);
}

interface Misbehaviour {
  /** The first line of the record's value; the rest is unread, unless the script reads it. */
  readonly value: string;
  readonly script: string;
  readonly reason: string;
  readonly attempts: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    value: "fails",
    script: "cat >/dev/null; echo 'no luck' >&2; exit 3",
    reason: "exit code 3",
    attempts: "2",
    headers: { "brigade.error.exit-code": "3", "brigade.error.stderr": "no luck\n" },
  },
  {
    value: "crashes",
    script: "sh -c 'kill -SEGV $$'; exit $?",
    reason: "killed by SIGSEGV",
    attempts: "2",
    headers: { "brigade.error.signal": "SIGSEGV" },
  },
  { value: "eats", script: "exec tail -c 200m /dev/zero", reason: "out of memory", attempts: "2" },
  {
    value: "floods",
    script: "yes | head -c 100000000",
    reason: "output larger than 900000 bytes (max-output)",
    attempts: "1",
  },
  { value: "ends", script: "exit 1", reason: "exit code 1", attempts: "2" },
];

/** These never end by themselves. The others have no limit: they may take as long as the machine needs. */
const ENDLESS: readonly string[] = ["exec sleep 100000", "trap '' TERM; while :; do sleep 1; done"];

/** An Engine may hear of a lack of memory too late, and then tells only how the kernel has ended it. */
function reasonOf(record: JsonRecord): string | undefined {
  return header(record, "brigade.error.reason")?.replace("killed by SIGKILL", "out of memory");
}

endToEnd(
  "a container that fails, crashes, eats, sleeps, floods or does not read costs its own record only",
  async (world) => {
    const cases = MISBEHAVIOURS.map(({ value, script }) => `${value}) ${script} ;;`).join("\n");
    const command = `read -r what\ncase $what in\n${cases}\nunread) exec <&-; echo done ;;\nesac`;
    const fields = { docker: BUSYBOX_IMAGE, cpus: 0.5, mem: 32, retry: { attempts: 2, backoff: "1ms" } };
    await world.define(
      { ...definition("naughty", "in", "out", command), ...fields, error: "errors" },
      ...ENDLESS.map((script, at) => ({
        ...definition(`endless-${at}`, "endless", "out", script),
        ...fields,
        timeout: "3s",
        error: `errors-${at}`,
      })),
    );
    await using brigade = await startLocal(world, { args: ["--cpus", "4"], env: { DOCKER_HOST: docker.host } });
    const unread = "x".repeat(600_000);
    const values = [...MISBEHAVIOURS.map(({ value }) => value), "unread"].map((value) => `${value}\n${unread}`);
    await brigade.topics.produceValues("in", values);
    await brigade.topics.produceValues("endless", [unread]);
    await brigade.api.untilSettled("naughty", values.length);

    expect(await brigade.topics.values("out")).toEqual(["done\n"]);
    const told = (record: JsonRecord): string => `${reasonOf(record)} (${header(record, "brigade.error.attempts")})`;
    const errors = await brigade.topics.read("errors");
    const expected = MISBEHAVIOURS.map(({ reason, attempts }) => `${reason} (${attempts})`);
    expect(errors.map(told).sort()).toEqual(expected.sort());
    for (const { reason, headers = {} } of MISBEHAVIOURS) {
      const record = errors.find((one) => reasonOf(one) === reason);
      for (const [name, value] of Object.entries(headers)) expect(header(record ?? {}, name)).toBe(value);
    }
    for (const at of ENDLESS.keys()) {
      await brigade.api.untilSettled(`endless-${at}`, 1);
      expect((await brigade.topics.read(`errors-${at}`)).map(told)).toEqual(["timed out after 3000 ms (2)"]);
    }
    await untilNoContainers();
    expect(await brigade.process.end("SIGINT")).toBe(0);
  },
  { skip },
);

/** A processor whose containers wait for a gate, and its key. */
async function gated(world: World, fields: Readonly<Record<string, unknown>> = {}): Promise<() => Promise<unknown>> {
  await mkdir(world.path("gate"));
  const command = "trap 'exit 1' TERM; cat; while [ ! -e /gate/open ]; do sleep 0.05; done";
  const volumes = [{ "host-path": world.path("gate"), "container-path": "/gate", mode: "RO" }];
  await world.define({ ...definition("slow", "in", "out", command), docker: BUSYBOX_IMAGE, volumes, ...fields });
  return () => world.write("gate/open", "");
}

const agentOf = ({ Labels }: ListedContainer): string => Labels["io.brigade.agent"] ?? "";

/** The executor of an agent, by what that has told it. */
function executorOf(world: World, agent: string): number {
  const executors = processesOf(world.folder).filter(
    ({ pid, command }) =>
      command.endsWith(" executor") &&
      readFileSync(`/proc/${pid}/environ`, "latin1").includes(`MESOS_SLAVE_ID=${agent}`),
  );
  expect(executors).toHaveLength(1);
  return executors[0]?.pid ?? 0;
}

endToEnd(
  "an executor that is killed leaves nothing behind, and costs nobody else on its host a container",
  async (world) => {
    // Each agent has room for one.
    const open = await gated(world, { cpus: 0.6 });
    const args = ["--agents", "2", "--cpus", "1"];
    await using brigade = await startLocal(world, { args, env: { DOCKER_HOST: docker.host } });
    const foreign = [{ "io.brigade.deployment": "other", "io.brigade.lock": "/no/such/file" }, { team: "maps" }];
    for (const Labels of foreign) {
      await docker.post("/containers/create", { Image: BUSYBOX_IMAGE, Cmd: ["true"], Labels });
    }
    const ours = async (): Promise<readonly ListedContainer[]> =>
      (await docker.containers()).filter(({ Labels }) => Labels["io.brigade.processor"] === "slow");

    await brigade.topics.produceValues("in", ["one", "two"]);
    const before = await eventually("one runs on each agent", async () => {
      const running = (await ours()).filter(({ State }) => State === "running");
      return new Set(running.map(agentOf)).size === 2 && running;
    });
    const [killed, other] = before as [ListedContainer, ListedContainer];
    process.kill(executorOf(world, agentOf(killed)), "SIGKILL");
    await eventually("another one runs in its place, and its own is gone", async () => {
      const now = await ours();
      const running = now.filter(({ State }) => State === "running");
      return now.every(({ Id }) => Id !== killed.Id) && running.length === 2;
    });
    expect((await ours()).find(({ Id }) => Id === other.Id)?.State).toBe("running");

    await open();
    await brigade.api.untilSettled("slow", 2);
    expect(await brigade.topics.values("out")).toEqual(["one", "two"]);
    expect(await brigade.process.end("SIGINT")).toBe(0);
    await eventually("only others' containers are left", async () => (await ours()).length === 0);
    const left = await docker.containers();
    expect(left.map(({ Labels }) => Labels)).toEqual(expect.arrayContaining(foreign));
    expect(left).toHaveLength(foreign.length);
    for (const { Id } of left) await docker.request("DELETE", `/containers/${Id}`);
  },
  { skip },
);

/** Each record through a container of its own, several at once; the one that is `held` waits for a gate. */
async function echoing(world: World): Promise<() => Promise<unknown>> {
  await mkdir(world.path("gate"));
  const command = `trap 'exit 1' TERM; read -r value; [ "$value" != held ] || until [ -e /gate/open ]; do sleep 0.05; done; echo "$value"`;
  const volumes = [{ "host-path": world.path("gate"), "container-path": "/gate", mode: "RO" }];
  const fields = { error: "errors", cpus: 0.25, retry: { attempts: 1 } };
  await world.define({ ...definition("echo", "in", "out", command), docker: BUSYBOX_IMAGE, volumes, ...fields });
  return () => world.write("gate/open", "");
}

endToEnd(
  "an Engine that is killed and started again, twice, under many records loses none and fails none",
  async (world) => {
    const open = await echoing(world);
    await using brigade = await startLocal(world, { args: ["--cpus", "2"], env: { DOCKER_HOST: docker.host } });
    // One is there to be lost, however quickly the others are through.
    const values = ["held", ...Array.from({ length: 40 }, (_, number) => `bucket ${number}`)];
    await brigade.topics.produceValues(
      "in",
      values.map((value) => `${value}\n`),
    );
    for (const settled of [5, 20]) {
      await eventually(`${settled} records are out`, async () => (await brigade.topics.size("out")) >= settled);
      await docker.endDaemon("SIGKILL");
      await eventually("runs are lost", async () => (await brigade.api.processor("echo"))?.reason ?? false);
      await docker.startDaemon();
    }
    await open();
    await brigade.api.untilSettled("echo", values.length);
    const echo = await brigade.api.processor("echo");
    expect(echo).toMatchObject({ phase: "running", reason: null, counters: { failedAttempts: 0, errors: 0 } });
    // At least once: what was acknowledged to nobody when the Engine went may be there again.
    const answers = (await brigade.topics.values("out")).map((value) => value.trimEnd());
    expect([...new Set(answers)].sort()).toEqual(values.toSorted());
    await untilNoContainers();
    expect(await brigade.process.end("SIGINT")).toBe(0);
  },
  { skip },
);

endToEnd(
  "an Engine that hangs, or is not there, is told as the reason, and costs nothing but time",
  async (world) => {
    const open = await gated(world);
    await using brigade = await startLocal(world, { env: { DOCKER_HOST: docker.host } });
    const { api, topics } = brigade;
    await topics.produceValues("in", ["bucket"]);
    await eventually("it runs", async () => (await docker.containers()).some(({ State }) => State === "running"));
    docker.stall();
    const untilTold = (reason: RegExp): Promise<unknown> =>
      eventually(`brigade status tells ${reason}`, async () =>
        reason.test(await world.mustRun(["status", "--api", api.url])),
      );
    await untilTold(
      new RegExp(`slow: no program can run on \\S+: Cannot .*: the Docker Engine does not answer at ${docker.host} `),
    );
    docker.resume();
    await eventually("another run is on its way", async () =>
      (await api.tasks()).some(({ state }) => state === "running"),
    );
    await open();
    await api.untilSettled("slow", 1);
    expect(await topics.values("out")).toEqual(["bucket"]);
    expect(await api.processor("slow")).toMatchObject({ reason: null, counters: { failedAttempts: 0, errors: 0 } });

    await docker.endDaemon("SIGTERM");
    await topics.produceValues("in", ["another"]);
    await untilTold(new RegExp(`slow: no program can run on \\S+: Cannot .*: no Docker Engine at ${docker.host}`));
    await docker.startDaemon();
    await api.untilSettled("slow", 2);
    expect(await topics.values("out")).toEqual(["another", "bucket"]);
    await untilNoContainers();
    expect(await brigade.process.end("SIGINT")).toBe(0);
  },
  { skip },
);
