import { systemClock } from "../base/clock.ts";
import { startKafka } from "../local/kafka/kafka.ts";
import type { CliCommand } from "./command.ts";
import { childLog, childOptions, serveAsChild } from "./engine-child.ts";

const usage = `Usage: brigade local-kafka --port PORT --folder DIR

Started by brigade local: an embedded Kafka broker. Ends when its standard input does.
`;

export const localKafkaCommand: CliCommand = {
  name: "local-kafka",
  summary: "the embedded Kafka of brigade local",
  usage,
  async run(args, io) {
    const option = childOptions(args, ["port", "folder"]);
    const kafka = await startKafka({
      port: Number(option("port")),
      dataDir: option("folder"),
      clock: systemClock,
      log: childLog("kafka", io).log,
    });
    return serveAsChild(kafka, io);
  },
};
