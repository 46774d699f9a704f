import type { CliCommand } from "./command.ts";

/** A command that is loaded only when it is called: an executor should not wait for Kafka's client to be parsed. */
export interface CommandEntry {
  readonly name: string;
  /** Not shown by `brigade --help`: started by Brigade itself. */
  readonly hidden?: boolean;
  load(): Promise<CliCommand>;
}

/** In the order of `brigade --help`. */
export const commands: readonly CommandEntry[] = [
  { name: "local", load: async () => (await import("./local.ts")).localCommand },
  { name: "scheduler", load: async () => (await import("./scheduler.ts")).schedulerCommand },
  { name: "processor", load: async () => (await import("./processor.ts")).processorCommand },
  { name: "executor", load: async () => (await import("./executor.ts")).executorCommand },
  { name: "mesos", load: async () => (await import("./mesos.ts")).mesosCommand },
  { name: "kafka", load: async () => (await import("./kafka.ts")).kafkaCommand },
  { name: "produce", load: async () => (await import("./produce.ts")).produceCommand },
  { name: "consume", load: async () => (await import("./consume.ts")).consumeCommand },
  { name: "status", load: async () => (await import("./status.ts")).statusCommand },
  { name: "offsets", load: async () => (await import("./offsets.ts")).offsetsCommand },
  { name: "tasks", load: async () => (await import("./tasks.ts")).tasksCommand },
  { name: "processors", load: async () => (await import("./processors.ts")).processorsCommand },
  { name: "validate", load: async () => (await import("./validate.ts")).validateCommand },
  { name: "schema", load: async () => (await import("./schema.ts")).schemaCommand },
  { name: "config", load: async () => (await import("./config.ts")).configCommand },
  { name: "local-mesos", hidden: true, load: async () => (await import("./local-mesos.ts")).localMesosCommand },
  {
    name: "mesos-executor",
    hidden: true,
    load: async () => (await import("./mesos-executor.ts")).mesosExecutorCommand,
  },
  { name: "local-kafka", hidden: true, load: async () => (await import("./local-kafka.ts")).localKafkaCommand },
];
