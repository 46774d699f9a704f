import type { BrigadeProcess } from "../support/e2e/brigade-process.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { processesOf } from "../support/e2e/leftovers.ts";
import { type LocalBrigade, startLocal } from "../support/e2e/local-brigade.ts";
import { SchedulerApi } from "../support/e2e/scheduler-api.ts";
import type { World } from "../support/e2e/world.ts";
import { AgentHosts } from "./agent-hosts.ts";
import type { Victim } from "./schedule.ts";

/**
 * The compiled binary, all its processes, and ways to kill and to stop them.
 *
 * At first it is `split`: `brigade local --no-scheduler` and `brigade scheduler`, so that the scheduler can die alone.
 * `whole` is one `brigade local`. Both keep what they have under `--data`, on the same ports for ever. `apart` is as
 * `split`, with the scheduler at another Mesos, whose agents can die alone.
 */
export class BrigadeUnderTest {
  readonly #world: World;
  readonly #hosts: AgentHosts;
  #topology: "split" | "whole" | "apart" = "split";
  /** Every process that had a scheduler in it, in the order of their starts. */
  readonly #schedulers: BrigadeProcess[] = [];
  #local: LocalBrigade | undefined;
  #scheduler: { readonly process: BrigadeProcess; readonly api: SchedulerApi } | undefined;
  #engines = { kafka: "", mesos: "" };

  constructor(world: World) {
    this.#world = world;
    this.#hosts = new AgentHosts(world);
  }

  /** Where Kafka is: known after the first start, and the same from then on. */
  get kafka(): string {
    return this.#engines.kafka;
  }

  /** Undefined while there is no scheduler. */
  get api(): SchedulerApi | undefined {
    return this.#scheduler?.api;
  }

  /** Starts whatever does not run. */
  async start(): Promise<void> {
    await this.startEngines();
    await this.#startScheduler();
  }

  async startEngines(): Promise<void> {
    if (this.#topology === "apart") await this.#hosts.start();
    if (this.#local !== undefined) return;
    const args = ["--data", this.#world.path("data"), "--processors", this.#world.processorDir, "--agents", "2"];
    const local = await startLocal(this.#world, {
      args: this.#topology === "whole" ? args : [...args, "--no-scheduler"],
    });
    this.#local = local;
    this.#engines = local;
    if (this.#topology === "whole") this.#addScheduler(local.process, local.api);
  }

  /** Before the first start of a scheduler. Ends the engines, where the next start is to be that of one `brigade local` with all in it. */
  async become(topology: "split" | "whole" | "apart"): Promise<void> {
    if (topology === this.#topology) return;
    if (topology === "apart") {
      this.#topology = topology;
      return;
    }
    await this.end();
    this.#local = undefined;
    this.#topology = topology;
  }

  /** What `brigade local` has come to: it starts its engines again by itself. */
  async enginesServe(): Promise<void> {
    await eventually("both engines run", () => {
      return this.#pids("mesos").length === 1 && this.#pids("kafka").length === 1;
    });
  }

  async kill(victim: Victim, pick: (count: number) => number): Promise<void> {
    const chosen = this.#choose(victim, pick);
    for (const pid of chosen) signal(pid, "SIGKILL");
    await this.#gone(victim, chosen);
  }

  /** @returns a function that lets them go on */
  stop(victim: Victim, pick: (count: number) => number): () => void {
    const chosen = this.#choose(victim, pick);
    for (const pid of chosen) signal(pid, "SIGSTOP");
    return () => {
      for (const pid of chosen) signal(pid, "SIGCONT");
    };
  }

  /** One of several, where one is to be struck. */
  #choose(victim: Victim, pick: (count: number) => number): readonly number[] {
    const pids = this.#pids(victim);
    if (victim !== "executor" && victim !== "agent" && victim !== "host") return pids;
    const one = pids[pick(pids.length)];
    if (one === undefined) return [];
    return victim === "host" ? this.#hosts.onHostOf(one) : [one];
  }

  /** Entries of the log, over all lives. */
  logged(message: string): readonly Readonly<Record<string, unknown>>[] {
    return this.#schedulers.flatMap((process) => process.logged(message));
  }

  /** In good order. @throws where one of them ends badly */
  async end(): Promise<void> {
    for (const process of new Set([this.#scheduler?.process, this.#local?.process])) {
      if (process === undefined) continue;
      const code = await process.end("SIGTERM");
      if (code !== 0) throw new Error(`brigade ended with exit code ${code} after SIGTERM`);
    }
    await this.#hosts.end();
  }

  async #startScheduler(): Promise<void> {
    if (this.#scheduler !== undefined) return;
    const settings = {
      KAFKA_ADDRESS: this.#engines.kafka,
      MESOS_MASTER: this.#topology === "apart" ? this.#hosts.address : this.#engines.mesos,
      PROCESSOR_DIR: this.#world.processorDir,
      STATE: this.#world.path("data", "state"),
      API_ADDRESS: "127.0.0.1:0",
      TOPICS_CREATE: "true",
    };
    const text = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
    const config = await this.#world.write("brigade.properties", text.join(""));
    const process = this.#world.start(["scheduler", "--config", config]);
    const [, address] = await process.says(/"msg":"API serves","address":"([^"]+)"/);
    this.#addScheduler(process, new SchedulerApi(`http://${address}`));
  }

  #addScheduler(process: BrigadeProcess, api: SchedulerApi): void {
    this.#scheduler = { process, api };
    this.#schedulers.push(process);
  }

  #pids(victim: Victim): readonly number[] {
    const scheduler = this.#topology === "whole" ? undefined : this.#scheduler?.process.pid;
    const all = processesOf(this.#world.folder);
    const started = (name: string): readonly number[] =>
      all.filter(({ command }) => `${command} `.startsWith(`${this.#world.binary} ${name} `)).map(({ pid }) => pid);
    switch (victim) {
      case "scheduler":
        return scheduler === undefined ? [] : [scheduler];
      case "local":
        return this.#local === undefined ? [] : [this.#local.process.pid];
      case "executor":
      case "executors":
        return started("executor");
      case "agent":
      case "agents":
      case "host":
        return this.#hosts.agents;
      case "kafka":
        return this.#world.kafka === undefined ? started("local-kafka") : [this.#world.kafka.pid()];
      case "mesos":
        return started("local-mesos");
      case "everything":
        return [
          ...this.#pids("scheduler"),
          ...this.#pids("local"),
          ...this.#pids("mesos"),
          ...this.#pids("kafka"),
          ...this.#pids("executors"),
        ];
    }
  }

  /** Waits until what was killed, and what ends with it, is gone. */
  async #gone(victim: Victim, killed: readonly number[]): Promise<void> {
    await this.#hosts.gone(killed);
    const takesLocal = victim === "local" || victim === "everything";
    const takesScheduler =
      victim === "scheduler" || victim === "everything" || (takesLocal && this.#topology === "whole");
    if (takesScheduler) {
      await this.#scheduler?.process.exited;
      this.#scheduler = undefined;
    }
    if (takesLocal) {
      await this.#local?.process.exited;
      this.#local = undefined;
      // The engines notice by their standard input, and close what they have.
      await eventually("the engines have ended", () => this.#pids("mesos").length + this.#pids("kafka").length === 0);
    }
  }
}

function signal(pid: number, name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It has ended by itself meanwhile.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
