import type { BrigadeProcess } from "./brigade-process.ts";
import type { LocalBrigade } from "./local-brigade.ts";
import { SchedulerApi } from "./scheduler-api.ts";
import type { World } from "./world.ts";

/** A properties file with the original's keys and ours. @param more settings of one test */
export function configure(
  world: World,
  { kafka, mesos }: Pick<LocalBrigade, "kafka" | "mesos">,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const settings = {
    MESOS_MASTER: mesos,
    KAFKA_ADDRESS: kafka,
    PROCESSOR_DIR: world.processorDir,
    STATE: world.path("state"),
    API_ADDRESS: "127.0.0.1:0",
    TOPICS_CREATE: "true",
    ...more,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
  return world.write("brigade.properties", `# Settings of the tests\n${lines.join("")}`);
}

export interface Scheduler extends AsyncDisposable {
  readonly process: BrigadeProcess;
  readonly api: SchedulerApi;
}

export async function startScheduler(world: World, config: string): Promise<Scheduler> {
  const process = world.start(["scheduler", "--config", config]);
  const [, address] = await process.says(/"msg":"API serves","address":"([^"]+)"/);
  const api = new SchedulerApi(`http://${address}`);
  return { process, api, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}
