import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ClusterProcess, MesosCluster } from "../../support/mesos/cluster.ts";
import { jsonTask, launch } from "../../support/mesos/embedded.ts";
import { JsonScheduler } from "../../support/mesos/json-scheduler.ts";
import { until } from "../../support/until.ts";
import { type RealZooKeeper, startRealZooKeeper, withZooKeeper } from "../../support/zookeeper/real-zookeeper.ts";

const TIMEOUT_MS = 300_000;
const PATIENCE_MS = 60_000;
const checkpointing = { checkpoint: true, failover_timeout: 60 };

const at = ({ host, port }: { readonly host: string; readonly port: number }): string => `${host}:${port}`;

withZooKeeper("two masters and an agent at a real ZooKeeper", () => {
  let zooKeeper: RealZooKeeper;
  beforeAll(async () => {
    zooKeeper = await startRealZooKeeper();
  }, TIMEOUT_MS);
  afterAll(() => zooKeeper?.[Symbol.asyncDispose]());

  let paths = 0;

  /** The first master leads, the second stands by, the agent is registered. */
  async function start(cluster: MesosCluster) {
    const zk = `zk://mesos:hush@127.0.0.1:1,${zooKeeper.hostPort}/clusters/c${++paths}/mesos`;
    const announced = ["--zk", zk, "--zk-timeout", "4s"];
    const first = await cluster.master(announced);
    await first.says(/ serves /);
    const second = await cluster.master(announced);
    await second.says(/ stands by /);
    const agent = await cluster.agent("a", ["--master", zk]);
    return { first, second, agent, announced };
  }

  async function launchForever(scheduler: JsonScheduler): Promise<void> {
    const [offer] = await scheduler.offers();
    const task = jsonTask("long", offer!.agent_id, { order: { forever: true } });
    await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations: [launch(task)] } });
    await scheduler.acknowledge(await scheduler.update("long", "TASK_RUNNING"));
  }

  /** By the id of the framework at another master, which answers for the task once the agent is there. */
  async function goOn(master: ClusterProcess, frameworkId: string): Promise<JsonScheduler> {
    await master.says(/ serves /);
    const scheduler = await JsonScheduler.subscribe(master.address, { ...checkpointing, id: { value: frameworkId } });
    await scheduler.event("SUBSCRIBED");
    expect(await scheduler.reconcile("long")).toMatchObject({ state: "TASK_RUNNING" });
    // Nobody was told anything else of it, at any time.
    const states = scheduler.events.filter(({ type }) => type === "UPDATE").map((event) => JSON.stringify(event));
    expect(states.filter((text) => !text.includes("TASK_RUNNING"))).toEqual([]);
    return scheduler;
  }

  async function redirectOf(master: ClusterProcess): Promise<string | null> {
    const answer = await fetch(`http://${at(master.address)}/redirect`, { redirect: "manual" });
    return answer.headers.get("location");
  }

  test(
    "a master that is killed is followed by the one that stood by, and so is that one by the first",
    async () => {
      await using cluster = new MesosCluster();
      const { first, second, agent, announced } = await start(cluster);
      await until(() => second.log().includes(`leader=127.0.0.1`), "it knows the leader", PATIENCE_MS);
      expect([await redirectOf(first), await redirectOf(second)]).toEqual(
        Array.from({ length: 2 }, () => `//${at(first.address)}`),
      );
      await using scheduler = await JsonScheduler.subscribe(first.address, checkpointing);
      await launchForever(scheduler);

      first.signal("SIGKILL");
      await first.exited();
      await using second1 = await goOn(second, scheduler.frameworkId);
      const third = await cluster.master(announced);
      await third.says(/ stands by /);
      second1.disconnect();
      second.signal("SIGKILL");
      await second.exited();
      await using second2 = await goOn(third, scheduler.frameworkId);
      const end = { state: "TASK_KILLED", agent_id: { value: agent.agentId } };
      expect(await second2.kill("long")).toMatchObject(end);
    },
    TIMEOUT_MS,
  );

  test(
    "a master that is stopped for longer than its session leads no more, and ends when it goes on",
    async () => {
      await using cluster = new MesosCluster();
      const { first, second } = await start(cluster);
      await using scheduler = await JsonScheduler.subscribe(first.address, checkpointing);
      await launchForever(scheduler);
      first.signal("SIGSTOP");
      await using again = await goOn(second, scheduler.frameworkId);
      first.signal("SIGCONT");
      expect(await first.exited()).toBe(1);
      expect(first.log()).toContain("Cannot go on as master");
      // Whatever it had to say before that: the agent is with the other one.
      expect(await again.kill("long")).toMatchObject({ state: "TASK_KILLED" });
    },
    TIMEOUT_MS,
  );

  test(
    "a master that ends in order makes place at once, and ZooKeeper's absence ends nobody who is quick",
    async () => {
      await using cluster = new MesosCluster();
      await using other = await startRealZooKeeper();
      const zk = ["--zk", `zk://${other.hostPort}/mesos`, "--zk-timeout", "60s"];
      const first = await cluster.master(zk);
      await first.says(/ serves /);
      const second = await cluster.master(zk);
      await second.says(/ stands by /);
      const agent = await cluster.agent("a", ["--master", `zk://${other.hostPort}/mesos`]);
      await other.kill();
      await other.start();
      await until(() => first.log().split("connected to ZooKeeper").length >= 6, "it is back", PATIENCE_MS);
      first.signal("SIGTERM");
      expect(await first.exited()).toBe(0);
      await second.says(/ serves /);
      await until(
        () => agent.log().includes(`linked to the master master=${at(second.address)}`),
        "the agent is with the next master",
        PATIENCE_MS,
      );
    },
    TIMEOUT_MS,
  );

  test(
    "a master without the right credentials never leads, and says why",
    async () => {
      await using cluster = new MesosCluster();
      const { first } = await start(cluster);
      const zk = `zk://mesos:hunter2@${zooKeeper.hostPort}/clusters/c${paths}/mesos`;
      const stranger = await cluster.master(["--zk", zk]);
      await stranger.says(/master is not announced in ZooKeeper.*these credentials may not do it/);
      expect(await redirectOf(stranger)).toBe(`//${at(first.address)}`);
      expect(stranger.log()).not.toContain("hunter2");
    },
    TIMEOUT_MS,
  );
});
