import { afterAll, beforeAll, expect } from "bun:test";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { gated, openGate, records } from "../support/e2e/gated.ts";
import { configure, startScheduler } from "../support/e2e/scheduler.ts";
import { settledRecords } from "../support/e2e/scheduler-api.ts";
import { ZooKeeperCluster } from "../support/e2e/zookeeper-cluster.ts";
import { noRealZooKeeper, type RealZooKeeper, startRealZooKeeper } from "../support/zookeeper/real-zookeeper.ts";

/*
 * The whole of it: masters and schedulers that find each other, and keep what they have to know, by a real ZooKeeper.
 */

const skip = noRealZooKeeper;
let zooKeeper: RealZooKeeper | undefined;

beforeAll(async () => {
  if (skip === undefined) zooKeeper = await startRealZooKeeper();
}, 240_000);
afterAll(() => zooKeeper?.[Symbol.asyncDispose]());

function real(): RealZooKeeper {
  if (zooKeeper === undefined) throw new Error("ZooKeeper did not start");
  return zooKeeper;
}

/** Each start once, by the id of its record. */
async function startedTwice(lines: readonly string[]): Promise<readonly string[]> {
  const ids = lines.map((line) => line.split(" ")[0] ?? "");
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}

endToEnd(
  "records run through while one master after the other is killed, each once",
  async (world) => {
    const cluster = await ZooKeeperCluster.start(world, real());
    const masters = [await cluster.master(), await cluster.master()];
    await cluster.agent("one");
    await cluster.agent("two");
    await world.define(
      definition("slow", "in", "out", `cat; echo "$BRIGADE_RECORD_ID" >> '${world.path("starts")}'; sleep 0.3`, {
        concurrency: 8,
      }),
    );
    const config = await configure(world, cluster, { STATE: cluster.state });
    const scheduler = await startScheduler(world, config);
    await scheduler.api.untilRunning("slow");

    let sent = 0;
    const send = async (): Promise<void> => {
      const values = Array.from({ length: 20 }, () => `${++sent}`);
      await cluster.topics.produceValues("in", values);
    };
    for (let round = 0; round < 3; round++) {
      await send();
      const before = (await world.lines("starts")).length;
      await eventually("some run", async () => (await world.lines("starts")).length > before);
      // The one that leads is the older one.
      const leader = masters.shift()!;
      await leader.end("SIGKILL");
      await send();
      await cluster.untilServes(masters[0]!);
      masters.push(await cluster.master());
    }
    await send();
    await scheduler.api.untilSettled("slow", sent);
    const all = Array.from({ length: sent }, (_, index) => `${index + 1}`);
    expect(await cluster.topics.values("out")).toEqual(all.sort());
    expect(await startedTwice(await world.lines("starts"))).toEqual([]);
    expect(await scheduler.process.end()).toBe(0);
    await cluster.disperse();
  },
  { skip },
);

endToEnd(
  "a scheduler that is killed is followed by one elsewhere, which finds state and tasks in ZooKeeper and Mesos",
  async (world) => {
    const cluster = await ZooKeeperCluster.start(world, real());
    await cluster.master();
    await cluster.agent("one");
    await world.define(gated(world));
    const config = await configure(world, cluster, { STATE: cluster.state });
    const first = await startScheduler(world, config);
    await first.api.untilRunning("gated");
    await cluster.topics.produceValues("in", [...records("a", 2), ...records("b", 3)]);
    await eventually("all have started", async () => (await world.lines("starts")).length === 5);
    await openGate(world, "a");
    await eventually("the first ones are settled", async () => {
      const view = await first.api.processor("gated");
      return view !== undefined && settledRecords(view) === 2;
    });
    await first.process.end("SIGKILL");

    const second = await startScheduler(world, config); // waits for the lock of the first one's session
    await second.api.untilRunning("gated");
    await openGate(world, "b");
    await second.api.untilSettled("gated", 5);
    expect(await startedTwice(await world.lines("starts"))).toEqual([]);
    expect((await world.lines("starts")).length).toBe(5);

    const third = await world.run(["scheduler", "--config", config]);
    expect([third.code, third.err]).toEqual([1, expect.stringContaining("holds its lock, must end first")]);
    expect(`${second.process.stdout}${third.err}${third.out}`).not.toContain("hush");
    expect(await second.process.end()).toBe(0);
    await cluster.disperse();
  },
  { skip },
);

endToEnd(
  "a scheduler that is stopped for longer than its session makes place for another one, and ends when it goes on",
  async (world) => {
    const cluster = await ZooKeeperCluster.start(world, real());
    await cluster.master();
    await cluster.agent("one");
    await world.define(gated(world));
    const config = await configure(world, cluster, { STATE: cluster.state });
    const first = await startScheduler(world, config);
    await first.api.untilRunning("gated");
    await cluster.topics.produceValues("in", records("a", 3));
    await eventually("all have started", async () => (await world.lines("starts")).length === 3);
    first.process.signal("SIGSTOP");

    const second = await startScheduler(world, config);
    await second.api.untilRunning("gated");
    first.process.signal("SIGCONT");
    await eventually("the first one ends", () => first.process.hasExited);
    expect(await first.process.exited).toBe(1);
    expect(first.process.stderr).toContain("its lock was lost");
    await openGate(world, "a");
    await second.api.untilSettled("gated", 3);
    expect(await startedTwice(await world.lines("starts"))).toEqual([]);
    expect(await second.process.end()).toBe(0);
    await cluster.disperse();
  },
  { skip },
);
