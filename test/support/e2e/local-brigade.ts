import type { BrigadeProcess } from "./brigade-process.ts";
import { SchedulerApi } from "./scheduler-api.ts";
import { Topics } from "./topics.ts";
import type { World } from "./world.ts";

export interface LocalBrigade extends AsyncDisposable {
  readonly process: BrigadeProcess;
  /** As the ready line names them. */
  readonly kafka: string;
  readonly mesos: string;
  readonly api: SchedulerApi;
  readonly topics: Topics;
}

export interface LocalOptions {
  /** Options of `brigade local`, beside the ports. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * `brigade local` on free ports, with the processors that the world has defined, and with the world's Kafka where that has
 * one. Resolves when it is ready.
 */
export async function startLocal(world: World, { args = [], env = {} }: LocalOptions = {}): Promise<LocalBrigade> {
  const from = world.kafka === undefined ? ["--kafka-port", "0"] : ["--kafka", world.kafka.address];
  const process = world.start(["local", ...from, "--mesos-port", "0", "--api-port", "0", ...args], env);
  const ready = await process.says(/^brigade ready (?:api=(\S+) )?kafka=(\S+) mesos=(\S+)$/m);
  const [, api = "", kafka = "", mesos = ""] = ready;
  return {
    process,
    kafka,
    mesos,
    api: new SchedulerApi(api),
    topics: new Topics(world, kafka),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
