import { basename } from "node:path";
import type { RealZooKeeper } from "../zookeeper/real-zookeeper.ts";
import type { BrigadeProcess } from "./brigade-process.ts";
import { eventually } from "./eventually.ts";
import { type KafkaOfWorld, startKafka } from "./kafka-beside.ts";
import type { Topics } from "./topics.ts";
import type { World } from "./world.ts";

/** Brigade's own Mesos in processes of its own, with a real ZooKeeper between them; and the world's Kafka, or Brigade's. */
export class ZooKeeperCluster {
  readonly #world: World;
  readonly #agents: BrigadeProcess[] = [];
  readonly kafka: string;
  readonly topics: Topics;
  /** As MESOS_MASTER takes it. */
  readonly mesos: string;
  /** As STATE takes it. */
  readonly state: string;

  private constructor(world: World, zooKeeper: RealZooKeeper, { kafka, topics }: KafkaOfWorld) {
    this.#world = world;
    this.kafka = kafka;
    this.topics = topics;
    // Below the root by more than one, as where several clusters share a ZooKeeper; one of whose servers is away.
    const path = `zk://brigade:hush@127.0.0.1:1,${zooKeeper.hostPort}/clusters/${basename(world.folder)}`;
    this.mesos = `${path}/mesos`;
    this.state = `${path}/state`;
  }

  /** With a broker, and neither masters nor agents. */
  static async start(world: World, zooKeeper: RealZooKeeper): Promise<ZooKeeperCluster> {
    return new ZooKeeperCluster(world, zooKeeper, await startKafka(world));
  }

  /** Resolves when it is known whether it leads or stands by. */
  async master(): Promise<BrigadeProcess> {
    const process = this.#world.start([
      ...["mesos", "master", "--listen", "127.0.0.1:0", "--zk", this.mesos, "--zk-timeout", "4s"],
      ...["--allocation-interval", "100ms"],
    ]);
    await process.says(/"msg":"(serves|stands by)".*"127\.0\.0\.1/);
    return process;
  }

  async agent(name: string): Promise<BrigadeProcess> {
    const where = ["--master", this.mesos, "--data", this.#world.path(name)];
    const process = this.#world.start(["mesos", "agent", ...where, "--resources", "cpus:4;mem:4096"]);
    await process.says(/^brigade ready mesos-agent=/m);
    this.#agents.push(process);
    return process;
  }

  /** Has all agents leave, so that no executor waits for one. */
  async disperse(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.end("SIGUSR1")));
  }

  async untilServes(master: BrigadeProcess): Promise<void> {
    await eventually("the master serves", () => master.logged("serves").length > 0);
  }
}
