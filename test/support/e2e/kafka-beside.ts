import { freePort } from "../free-port.ts";
import type { BrigadeProcess } from "./brigade-process.ts";
import { Topics } from "./topics.ts";
import type { World } from "./world.ts";

export interface KafkaOfWorld {
  /** `host:port` */
  readonly kafka: string;
  readonly topics: Topics;
  /** It ends, and is back with the same address and data when this resolves. */
  readonly restart: () => Promise<void>;
}

/** A Kafka that is there before anything else: the world's own where it has one, else that of `brigade kafka`. */
export async function startKafka(world: World): Promise<KafkaOfWorld> {
  if (world.kafka !== undefined) {
    const { address, restart } = world.kafka;
    return { kafka: address, topics: new Topics(world, address), restart };
  }
  let broker = await startBroker(world, `127.0.0.1:${await freePort()}`);
  const { address } = broker;
  return {
    kafka: address,
    topics: new Topics(world, address),
    async restart() {
      await broker.process.end();
      broker = await startBroker(world, address);
    },
  };
}

async function startBroker(world: World, listen: string): Promise<{ process: BrigadeProcess; address: string }> {
  const process = world.start(["kafka", "--listen", listen, "--data", world.path("kafka")]);
  const [, address = ""] = await process.says(/^brigade ready kafka=(\S+)$/m);
  return { process, address };
}
