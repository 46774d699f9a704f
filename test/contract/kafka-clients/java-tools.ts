import { type KafkaVersion, kafkaCommand } from "../../support/real-kafka.ts";

export interface ToolResult {
  readonly code: number;
  readonly output: string;
  readonly problems: string;
}

/** Main classes of Kafka's command line tools; some have moved between versions. */
const mainClasses = {
  topics: () => "org.apache.kafka.tools.TopicCommand",
  configs: () => "kafka.admin.ConfigCommand",
  groups: () => "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
  offsets: () => "org.apache.kafka.tools.GetOffsetShell",
  deleteRecords: () => "org.apache.kafka.tools.DeleteRecordsCommand",
  transactions: () => "org.apache.kafka.tools.TransactionsCommand",
  consoleProducer: (version: KafkaVersion) =>
    version.startsWith("3.") ? "kafka.tools.ConsoleProducer" : "org.apache.kafka.tools.ConsoleProducer",
  consoleConsumer: () => "org.apache.kafka.tools.consumer.ConsoleConsumer",
  verifiableProducer: () => "org.apache.kafka.tools.VerifiableProducer",
  verifiableConsumer: () => "org.apache.kafka.tools.VerifiableConsumer",
  transactionalCopier: () => "org.apache.kafka.tools.TransactionalMessageCopier",
} as const;

export type Tool = keyof typeof mainClasses;

/** Kafka's own tools of one version at one broker. */
export class JavaTools {
  readonly #version: KafkaVersion;
  readonly #bootstrap: string;

  constructor(version: KafkaVersion, { host, port }: { readonly host: string; readonly port: number }) {
    this.#version = version;
    this.#bootstrap = `${host}:${port}`;
  }

  /** Runs a tool to its end, and gives what it prints; one that fails is an error with its own words. */
  async run(tool: Tool, args: readonly string[], input = ""): Promise<string> {
    const { code, output, problems } = await this.try(tool, args, input);
    if (code === 0) return output;
    throw new Error(`${tool} of Kafka ${this.#version} ended with ${code}: ${output}${problems}`);
  }

  async try(tool: Tool, args: readonly string[], input = ""): Promise<ToolResult> {
    const option = tool === "transactionalCopier" ? "--broker-list" : "--bootstrap-server";
    const command = kafkaCommand(this.#version, mainClasses[tool](this.#version), [option, this.#bootstrap, ...args]);
    const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    await child.stdin.write(input);
    await child.stdin.end();
    const [output, problems, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, output, problems };
  }
}
