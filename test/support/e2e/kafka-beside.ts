import { Topics } from "./topics.ts";
import type { World } from "./world.ts";

export interface KafkaOfWorld {
  /** `host:port` */
  readonly kafka: string;
  readonly topics: Topics;
}

/** A Kafka that is there before anything else: the world's own where it has one, else that of `brigade kafka`. */
export async function startKafka(world: World): Promise<KafkaOfWorld> {
  const kafka = world.kafka?.address ?? (await startBroker(world));
  return { kafka, topics: new Topics(world, kafka) };
}

async function startBroker(world: World): Promise<string> {
  const broker = world.start(["kafka", "--listen", "127.0.0.1:0", "--data", world.path("kafka")]);
  const [, address = ""] = await broker.says(/^brigade ready kafka=(\S+)$/m);
  return address;
}
