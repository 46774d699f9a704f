/** A process that is the embedded Kafka: arguments are the port and the folder of its data. Prints where it listens. */
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { startKafka } from "../../../src/local/kafka/kafka.ts";

const [port = "0", dataDir = ""] = process.argv.slice(2);
const { address } = await startKafka({
  port: Number(port),
  dataDir,
  autoCreateTopics: false,
  clock: systemClock,
  log: silentLogger,
});
process.stdout.write(`${address.port}\n`);
