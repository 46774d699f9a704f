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

/** `brigade local` on free ports, with the processors that the world has defined. Resolves when it is ready. */
export async function startLocal(world: World, { args = [], env = {} }: LocalOptions = {}): Promise<LocalBrigade> {
  const ports = ["--kafka-port", "0", "--mesos-port", "0", "--api-port", "0"];
  const process = world.start(["local", ...ports, ...args], env);
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
