import { afterAll, expect } from "bun:test";
import { mkdir } from "node:fs/promises";
import { BUSYBOX_IMAGE, DockerEngine } from "../support/docker.ts";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";
import { configure, startScheduler } from "../support/e2e/scheduler.ts";

/* What an agent's operator lets processors do there, and secrets, which never leave the agent. */

const engine = await DockerEngine.start();
const docker = engine as DockerEngine;
const skip = typeof engine === "string" ? engine : undefined;
const SECRET = "hunter2-and-then-some";

afterAll(async () => {
  if (skip === undefined) await docker[Symbol.asyncDispose]();
});

endToEnd(
  "processes and containers get secrets of the agent, and what its policy refuses pauses the processor until it does not",
  async (world) => {
    const secret = await world.write("secrets/token", `${SECRET}\n`);
    await mkdir(world.path("allowed"));
    await mkdir(world.path("elsewhere"));
    const policy = { secrets: [world.path("secrets")], volumes: [world.path("allowed")] };
    const policyFile = await world.write("agent.json", JSON.stringify(policy));

    const answer = 'printf %s "$TOKEN"';
    const secrets = { TOKEN: secret };
    const image = { docker: BUSYBOX_IMAGE, secrets };
    const volumes = [{ "host-path": world.path("elsewhere"), "container-path": "/x", mode: "RO" }];
    await world.define(
      definition("plain", "in", "plain-out", answer, { secrets }),
      definition("boxed", "in", "boxed-out", answer, image),
      definition("outside", "in", "outside-out", answer, { ...image, volumes }),
      definition("root", "in", "root-out", ["cat"], { docker: BUSYBOX_IMAGE, container: { privileged: true } }),
      definition("curious", "in", "curious-out", ["env"], { secrets: { PASSWD: "/etc/passwd" } }),
    );
    const args = ["--no-scheduler", "--cpus", "8"];
    await using engines = await startLocal(world, { args, env: { DOCKER_HOST: docker.host } });
    const executor = `${world.binary} executor --policy ${policyFile}`;
    const config = await configure(world, engines, { BRIGADE_EXECUTOR: executor });
    await using scheduler = await startScheduler(world, config);
    const { api } = scheduler;
    await api.untilRunning("plain");
    await engines.topics.produceValues("in", ["bucket"]);

    for (const name of ["plain", "boxed"]) {
      await api.untilSettled(name, 1);
      expect(await engines.topics.values(`${name}-out`)).toEqual([SECRET]);
    }
    const { folder } = world;
    await api.untilPaused("outside", new RegExp(`refuses volume ${folder}/elsewhere: must be in ${folder}/allowed `));
    await api.untilPaused("root", /refuses container\.privileged: must not be set \(policy: privileged\)/);
    await api.untilPaused("curious", new RegExp(`refuses secret /etc/passwd: must be in ${folder}/secrets `));

    await world.write("agent.json", JSON.stringify({ ...policy, volumes: [world.folder] }));
    await api.untilSettled("outside", 1);
    expect(await engines.topics.values("outside-out")).toEqual([SECRET]);

    await world.write("agent.json", "{");
    await engines.topics.produceValues("in", ["another"]);
    await eventually("the broken policy is told", async () =>
      ((await api.processor("plain"))?.reason ?? "").includes(`Cannot use the agent's policy ${policyFile}: not JSON`),
    );
    await world.write("agent.json", JSON.stringify(policy));
    await api.untilSettled("plain", 2);

    // Not in what Mesos keeps of the tasks, nor in any log: only where it came from, and where the programs put it.
    const { stdout } = Bun.spawnSync(["grep", "-rlF", SECRET, world.folder]);
    const holders = stdout.toString().trimEnd().split("\n");
    expect(holders.filter((path) => !path.includes("/kafka"))).toEqual([secret]);
    expect(await scheduler.process.end()).toBe(0);
  },
  { skip },
);
