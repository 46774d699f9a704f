import { expect } from "bun:test";
import type { TaskView } from "../../src/api/scheduler-port.ts";
import type { BrigadeProcess } from "../support/e2e/brigade-process.ts";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { openGate } from "../support/e2e/gated.ts";
import { startKafka } from "../support/e2e/kafka-beside.ts";
import { kill, processesOf } from "../support/e2e/leftovers.ts";
import { configure, type Scheduler, startScheduler } from "../support/e2e/scheduler.ts";
import type { Definition, World } from "../support/e2e/world.ts";

/* Agents that Mesos does not reach for longer than `unreachable-timeout`, with what runs there. */

interface Agent {
  readonly process: BrigadeProcess;
  readonly id: string;
}

async function startAgent(world: World, master: string, host: string): Promise<Agent> {
  const process = world.start([
    ...["mesos", "agent", "--master", master, "--data", world.path(host), "--hostname", host],
    ...["--resources", "cpus:4;mem:2048"],
  ]);
  const [, id = ""] = await process.says(/^brigade ready mesos-agent=\S+ id=(\S+)$/m);
  return { process, id };
}

/** Runs until a file with the name of the record's value exists; each start is noted outside of Brigade. */
function patient(world: World, overlap: "allow" | "forbid"): Definition {
  const script = `cd '${world.folder}'; echo "$BRIGADE_OFFSET" >> starts-${overlap}
    read -r gate; until [ -e "gates/$gate" ]; do sleep 0.05; done; echo "passed $gate"`;
  return definition(overlap, `in-${overlap}`, `out-${overlap}`, script, {
    overlap,
    "unreachable-timeout": "500ms",
    concurrency: 4,
  });
}

async function markGone(master: string, agentId: string): Promise<void> {
  const response = await fetch(`http://${master}/api/v1`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ type: "MARK_AGENT_GONE", mark_agent_gone: { agent_id: { value: agentId } } }),
  });
  if (!response.ok) throw new Error(`MARK_AGENT_GONE is answered ${response.status}: ${await response.text()}`);
}

function untilTask(
  { api }: Scheduler,
  what: string,
  condition: (task: TaskView) => boolean,
  processor = "forbid",
): Promise<TaskView> {
  return eventually(what, async () => {
    return (await api.tasks()).find((task) => task.processor === processor && condition(task));
  });
}

endToEnd(
  "while an agent is out of reach overlap: forbid starts no second run until it is back or gone; allow does",
  async (world) => {
    const { kafka, topics } = await startKafka(world);
    const pings = ["--agent-ping-timeout", "1s", "--max-agent-ping-timeouts", "5"];
    const mesos = world.start(["mesos", "master", "--listen", "127.0.0.1:0", ...pings]);
    const [, master = ""] = await mesos.says(/^brigade ready mesos-master=(\S+)$/m);
    const agents = { one: await startAgent(world, master, "one") };
    await world.define(patient(world, "allow"), patient(world, "forbid"));
    const config = await configure(world, { kafka, mesos: master });
    await using scheduler = await startScheduler(world, config);
    const { api } = scheduler;
    for (const overlap of ["allow", "forbid"]) {
      await api.untilRunning(overlap);
      await topics.produceValues(`in-${overlap}`, ["back"]);
    }
    for (const overlap of ["allow", "forbid"]) {
      await eventually(`${overlap} has started`, async () => (await world.lines(`starts-${overlap}`)).length === 1);
    }

    agents.one.process.signal("SIGSTOP");
    const all = { ...agents, two: await startAgent(world, master, "two") };
    await eventually("a second run is started where overlap is allowed", async () => {
      return (await world.lines("starts-allow")).length === 2;
    });
    const asked = ["--api", api.url];
    const offsets = await eventually("the record waits for its run", async () => {
      const text = await world.mustRun(["offsets", "forbid", ...asked]);
      return text.includes("guarded") && text;
    });
    expect(offsets).toMatch(/until forbid_in-forbid_0_0-\S+ on one is known to be dead/);
    expect(await world.mustRun(["tasks", "--processor", "forbid", ...asked])).toMatch(/unreachable +\S+ +one/);
    expect(await world.mustRun(["status", ...asked])).toContain("is known to be dead (overlap: forbid)");
    // It is only that one which waits.
    await openGate(world, "now");
    await topics.produceValues("in-forbid", ["now"]);
    await eventually("another record runs through", async () => (await topics.size("out-forbid")) === 1);
    expect(await world.lines("starts-forbid")).toEqual(["0", "1"]);

    agents.one.process.signal("SIGCONT");
    await untilTask(scheduler, "the agent is back", ({ offset, state }) => offset === 0 && state === "running");
    await openGate(world, "back");
    const [allow, forbid] = [await api.untilSettled("allow", 1), await api.untilSettled("forbid", 2)];
    expect(await world.lines("starts-forbid")).toEqual(["0", "1"]);
    expect([allow.counters.reruns, forbid.counters.reruns]).toEqual([{ "agent-unreachable": 1 }, {}]);
    for (const [overlap, outputs] of [
      ["allow", ["passed back\n"]],
      ["forbid", ["passed back\n", "passed now\n"]],
    ] as const) {
      expect(await topics.values(`out-${overlap}`)).toEqual([...outputs]);
    }

    await topics.produceValues("in-forbid", ["gone"]);
    await eventually("the third has started", async () => (await world.lines("starts-forbid")).length === 3);
    const { agent } = await untilTask(scheduler, "it runs", ({ state }) => state === "running");
    const lost = agent === "one" ? "one" : "two";
    for (const { pid } of processesOf(world.path(lost))) kill(pid);
    await untilTask(scheduler, "its agent is missed", ({ state }) => state === "unreachable");
    // Whoever starts meanwhile knows of it only by what the master says when it is asked.
    expect(await scheduler.process.end("SIGKILL")).toBe(137);
    await using next = await startScheduler(world, config);
    await untilTask(next, "it is found", ({ state }) => state === "unreachable");
    await eventually("its record waits", async () => {
      return (await world.mustRun(["offsets", "forbid", "--api", next.api.url])).includes("guarded");
    });
    expect(await world.lines("starts-forbid")).toEqual(["0", "1", "2"]);
    await markGone(master, all[lost].id);
    await eventually("it runs again", async () => (await world.lines("starts-forbid")).length === 4);
    await openGate(world, "gone");
    const { counters } = await next.api.untilSettled("forbid", 3);
    expect(counters.reruns).toEqual({ "agent-unreachable": 1 });
    expect(await world.lines("starts-forbid")).toEqual(["0", "1", "2", "2"]);

    expect(await next.process.end()).toBe(0);
    // So that no executor waits for its agent.
    await all[lost === "one" ? "two" : "one"].process.end("SIGUSR1");
  },
);
