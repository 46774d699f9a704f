/** A broker as a process of its own, to be killed: `broker-process.ts DATA PORT`. Prints its port when it is up. */
import { systemClock } from "../../../src/base/clock.ts";
import { createLogger, formatTextLine } from "../../../src/base/log.ts";
import { startKafka } from "../../../src/local/kafka/kafka.ts";

const [dataDir, port] = process.argv.slice(2);
if (dataDir === undefined || port === undefined) throw new Error("DATA and PORT are missing");
const log = createLogger({ sink: (entry) => process.stderr.write(`${formatTextLine(entry)}\n`), level: "warn" });
const kafka = await startKafka({ port: Number(port), dataDir, clock: systemClock, log });
process.stdout.write(`${kafka.address.port}\n`);
