import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { kill, processesOf } from "../../support/e2e/leftovers.ts";
import { MesosCluster } from "../../support/mesos/cluster.ts";
import { jsonTask, launch } from "../../support/mesos/embedded.ts";
import { JsonScheduler } from "../../support/mesos/json-scheduler.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { until } from "../../support/until.ts";

const linux = process.platform === "linux";
const TIMEOUT_MS = 240_000;
const PATIENCE_MS = 60_000;
const checkpointing = { checkpoint: true, failover_timeout: 60 };

const at = ({ host, port }: { readonly host: string; readonly port: number }): string => `${host}:${port}`;

/** @returns how many events there were before it was launched */
async function launchForever(scheduler: JsonScheduler): Promise<number> {
  const [offer] = await scheduler.offers();
  const before = scheduler.events.length;
  const task = jsonTask("long", offer!.agent_id, { order: { forever: true } });
  await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations: [launch(task)] } });
  await scheduler.acknowledge(await scheduler.update("long", "TASK_RUNNING"));
  return before;
}

/** Ends the task by way of master, agent and executor. */
async function killTask(scheduler: JsonScheduler): Promise<void> {
  expect(await scheduler.kill("long")).toMatchObject({ state: "TASK_KILLED", source: "SOURCE_EXECUTOR" });
}

/** Subscribes as soon as there is a master at that place again. */
async function subscribeAgain(
  address: { readonly host: string; readonly port: number },
  id: string,
): Promise<JsonScheduler> {
  for (const giveUpAt = performance.now() + PATIENCE_MS; ; ) {
    try {
      return await JsonScheduler.subscribe(address, { ...checkpointing, id: { value: id } });
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await Bun.sleep(20);
    }
  }
}

describe.if(linux)("a master and agents in processes of their own (needs /proc)", () => {
  test(
    "run tasks; an agent that is killed comes back with what it ran",
    async () => {
      await using cluster = new MesosCluster();
      const master = await cluster.master();
      const [one, two] = await Promise.all(
        ["a", "b"].map((name) => cluster.agent(name, ["--master", at(master.address), "--attributes", `name:${name}`])),
      );
      expect(new Set([one!.agentId, two!.agentId]).size).toBe(2);
      await using scheduler = await JsonScheduler.subscribe(master.address, checkpointing);
      await launchForever(scheduler);
      for (const agent of [one!, two!]) {
        agent.signal("SIGKILL");
        await agent.exited();
      }
      const before = scheduler.events.length;
      const [again] = await Promise.all(
        ["a", "b"].map((name) => cluster.agent(name, ["--master", at(master.address)])),
      );
      expect([again!.agentId, again!.address]).toEqual([one!.agentId, one!.address]);
      await killTask(scheduler);
      const lost = scheduler.events.slice(before).filter(({ type }) => type === "FAILURE");
      expect(lost).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "a master that is killed and started again waits for its agents before it says anything of their tasks",
    async () => {
      await using cluster = new MesosCluster();
      const data = ["--data", cluster.path("master")];
      const master = await cluster.master(data);
      const agent = await cluster.agent("a", ["--master", at(master.address)]);
      await using scheduler = await JsonScheduler.subscribe(master.address, checkpointing);
      await launchForever(scheduler);
      agent.signal("SIGSTOP");
      master.signal("SIGKILL");
      await master.exited();

      const next = await cluster.master(data, master.address.port);
      await using again = await subscribeAgain(next.address, scheduler.frameworkId);
      await again.event("SUBSCRIBED");
      const reconcile = { reconcile: { tasks: [{ task_id: { value: "long" } }] } };
      expect(await again.call("RECONCILE", reconcile)).toBe("202");
      expect(await again.call("RECONCILE", reconcile)).toBe("202");
      expect(again.events.filter(({ type }) => type === "UPDATE")).toEqual([]);
      agent.signal("SIGCONT");
      expect(await again.reconcile("long")).toMatchObject({
        state: "TASK_RUNNING",
        agent_id: { value: agent.agentId },
      });
      await killTask(again);
    },
    TIMEOUT_MS,
  );

  test(
    "what is lost with a connection is found out when there is one again",
    async () => {
      await using cluster = new MesosCluster();
      const master = await cluster.master();
      await using proxy = await startTcpProxy(master.address);
      const agent = await cluster.agent("a", ["--master", at(proxy.address)]);
      await using scheduler = await JsonScheduler.subscribe(master.address, checkpointing);
      const [offer] = await scheduler.offers(await launchForever(scheduler));

      // An order that the agent never gets, and an end that the master does not hear of.
      proxy.block();
      const task = jsonTask("unheard", offer!.agent_id);
      await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations: [launch(task)] } });
      const executors = processesOf(cluster.path("a", "slaves"));
      expect(executors.length).toBeGreaterThan(0);
      for (const { pid } of executors) kill(pid);
      await until(
        () => readFileSync(cluster.path("a", "journal.ndjson"), "utf8").includes('"type":"exited"'),
        "the agent knows of the end",
        PATIENCE_MS,
      );
      proxy.cut();
      proxy.unblock();
      const end = { state: "TASK_FAILED", reason: "REASON_EXECUTOR_TERMINATED" };
      expect(await scheduler.end("long")).toMatchObject(end);
      expect(await scheduler.update("unheard", "TASK_DROPPED")).toMatchObject({ reason: "REASON_RECONCILIATION" });
      expect(agent.log()).toContain("not linked to a master");
    },
    TIMEOUT_MS,
  );

  test(
    "an agent leaves for good when it is asked to",
    async () => {
      await using cluster = new MesosCluster();
      const master = await cluster.master();
      const agent = await cluster.agent("a", ["--master", at(master.address)]);
      await using scheduler = await JsonScheduler.subscribe(master.address, checkpointing);
      await launchForever(scheduler);
      agent.signal("SIGUSR1");
      expect(await agent.exited()).toBe(0);
      await scheduler.event("FAILURE", ({ failure }) => !("executor_id" in (failure as object)));
      const { slaves } = (await (await fetch(`http://${at(master.address)}/state`)).json()) as { slaves: unknown[] };
      expect(slaves).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "those who do not know the secret are refused",
    async () => {
      await using cluster = new MesosCluster();
      const credentials = [
        { principal: "agent", secret: "hush" },
        { principal: "me", secret: "hunter2" },
      ];
      writeFileSync(cluster.path("credentials.json"), JSON.stringify({ credentials }));
      writeFileSync(cluster.path("right"), "hush\n");
      writeFileSync(cluster.path("wrong"), "hunter2");
      const master = await cluster.master(["--credentials", "credentials.json"]);
      const who = ["--master", at(master.address), "--principal", "agent", "--secret-file"];
      const stranger = cluster.start(["agent", "--data", cluster.path("b"), ...who, "wrong"]);
      await stranger.says(/not linked to a master.*401 Unauthorized/);
      await cluster.agent("a", [...who, "right"]);
      const subscribe = JSON.stringify({ type: "SUBSCRIBE", subscribe: { framework_info: { user: "u", name: "n" } } });
      const headers = { "Content-Type": "application/json", Accept: "application/json" };
      const url = `http://${at(master.address)}/api/v1/scheduler`;
      expect((await fetch(url, { method: "POST", headers, body: subscribe })).status).toBe(401);
      expect(`${master.log()}${stranger.log()}`).not.toMatch(/hush|hunter2/);
    },
    TIMEOUT_MS,
  );

  test(
    "one that cannot start says why",
    async () => {
      await using cluster = new MesosCluster();
      const master = await cluster.master(["--data", cluster.path("master")]);
      await cluster.agent("a", ["--master", at(master.address)]);
      const cases: readonly (readonly [args: readonly string[], code: number, message: RegExp])[] = [
        [["master", "--listen", at(master.address)], 1, /in use/],
        [["master", "--listen", "127.0.0.1:0", "--data", cluster.path("master")], 1, /holds its lock/],
        [["agent", "--master", at(master.address), "--data", cluster.path("a")], 1, /another agent does/],
        [["agent", "--data", "x"], 2, /--master is missing/],
        [["slave"], 2, /mesos takes master or agent, not "slave"/],
      ];
      for (const [args, code, message] of cases) {
        const process = cluster.start(args);
        expect(await process.exited()).toBe(code);
        expect(process.log()).toMatch(message);
      }
    },
    TIMEOUT_MS,
  );
});
