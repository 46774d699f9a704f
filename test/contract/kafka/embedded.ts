import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { createLogger, type LogEntry } from "../../../src/base/log.ts";
import { type EmbeddedKafka, type KafkaOptions, startKafka } from "../../../src/local/kafka/kafka.ts";
import { freePort } from "../../support/free-port.ts";
import type { RunningKafka } from "./context.ts";

export interface RunningEmbeddedKafka extends Omit<RunningKafka, "saslAddress">, AsyncDisposable {
  /** Everything it logged, of all its lives. */
  readonly entries: readonly LogEntry[];
}

/** The embedded broker with a folder of its own, which goes when it stops. */
export async function startEmbedded(options: Partial<KafkaOptions> = {}): Promise<RunningEmbeddedKafka> {
  const dataDir = mkdtempSync(join(tmpdir(), "brigade-kafka-"));
  const entries: LogEntry[] = [];
  const log = createLogger({ sink: (entry) => entries.push(entry), level: "debug" });
  const start = (port: number): Promise<EmbeddedKafka> =>
    startKafka({ port, dataDir, clock: systemClock, log, ...options });
  let kafka = await start(await freePort());
  const { address } = kafka;
  const stop = async (): Promise<void> => {
    await kafka.close();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return {
    address,
    entries,
    async restart() {
      await kafka.close();
      kafka = await start(address.port);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
