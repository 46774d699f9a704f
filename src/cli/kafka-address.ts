import { UsageError } from "../base/errors.ts";
import { parseHostPorts } from "../config/addresses.ts";
import type { HostPort } from "../config/settings.ts";
import type { CliIo } from "./command.ts";

const DEFAULT_ADDRESS = "127.0.0.1:9092";

/**
 * The brokers that `--kafka` names, else KAFKA_ADDRESS, else those of `brigade local`.
 * @throws {UsageError}
 */
export function kafkaAddress(option: string | undefined, { env }: CliIo): readonly HostPort[] {
  const text = option ?? env.KAFKA_ADDRESS ?? DEFAULT_ADDRESS;
  const brokers = parseHostPorts(text);
  if (brokers === undefined) throw new UsageError(`Cannot use Kafka address "${text}": must be host:port[,host:port]`);
  return brokers;
}
