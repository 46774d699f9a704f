import { systemClock } from "../base/clock.ts";
import { formatHostPort } from "../config/addresses.ts";
import { startKafka } from "../local/kafka/kafka.ts";
import { type CliCommand, exitCodes } from "./command.ts";
import { kafkaUsage, parseKafkaOptions } from "./kafka-options.ts";
import { readUsers } from "./kafka-users.ts";
import { environmentLog } from "./logging.ts";
import { aborted } from "./waiting.ts";

export const kafkaCommand: CliCommand = {
  name: "kafka",
  summary: "run the embedded Kafka broker alone",
  usage: kafkaUsage,
  async run(args, io) {
    const { listen, advertise, data, sync, users, config } = parseKafkaOptions(args, io);
    const known = users === undefined ? {} : { users: await readUsers(users) };
    await using kafka = await startKafka({
      ...listen,
      ...(advertise === undefined ? {} : { advertised: advertise }),
      dataDir: data,
      sync,
      config: { ...config, ...known },
      clock: systemClock,
      log: environmentLog(io).log,
    });
    io.stdout(`brigade ready kafka=${formatHostPort(kafka.advertised)}\n`);
    await aborted(io.signal);
    return exitCodes.success;
  },
};
