import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import type { HostPort } from "../../src/config/settings.ts";
import { KafkaAdmin } from "../../src/kafka/admin.ts";

const VERSION = "3.9.1";
const libs = resolve(import.meta.dir, `../../.tools/kafka-${VERSION}/libs`);
/** Long enough for a busy machine; a JVM that ends at once is noticed at once. */
const READY_WITHIN_MS = 60_000;

/** Why no real Kafka can be started here; undefined where one can. */
export const noRealKafka: string | undefined =
  Bun.which("java") === null
    ? "java is not installed"
    : existsSync(libs)
      ? undefined
      : `scripts/install-kafka has not fetched Kafka ${VERSION}`;

export interface RealKafka extends AsyncDisposable {
  readonly address: HostPort;
  /** Ends in order, then starts again with the same address and data: after `kill -9` that takes half a minute. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** One broker of a real Kafka (KRaft), with a folder of its own. It makes no topics by itself. */
export async function startRealKafka(): Promise<RealKafka> {
  const folder = mkdtempSync(join(tmpdir(), "brigade-real-kafka-"));
  const [port, controllerPort] = [await freePort(), await freePort()];
  const properties = join(folder, "server.properties");
  writeFileSync(properties, settings(port, controllerPort, join(folder, "data")));
  const format = java(["kafka.tools.StorageTool", "format", "-t", "brigadeTestsOfKafka00w", "-c", properties]);
  if ((await format.exited) !== 0) throw new Error(`cannot format ${folder}: ${await output(format)}`);

  const address = { host: "127.0.0.1", port };
  let broker = java(["kafka.Kafka", properties]);
  await ready(broker, address);
  const stop = async (): Promise<void> => {
    broker.kill("SIGKILL");
    await broker.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    address,
    async restart() {
      broker.kill("SIGTERM");
      await broker.exited;
      broker = java(["kafka.Kafka", properties]);
      await ready(broker, address);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function java(args: readonly string[]) {
  return Bun.spawn(["java", "-Xmx384m", "-cp", [libs, "*"].join("/") + delimiter, ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function output({ stdout, stderr }: ReturnType<typeof java>): Promise<string> {
  return `${await new Response(stdout).text()}${await new Response(stderr).text()}`.trim();
}

async function ready(broker: ReturnType<typeof java>, address: HostPort): Promise<void> {
  const kafka = { brokers: [address], clientId: "brigade-tests" };
  const admin = new KafkaAdmin({ kafka, clock: systemClock, log: silentLogger, timeoutMs: 5000 });
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      await admin.topicExists("is-anybody-there");
      await makeTransactionLog(address);
      return;
    } catch (error) {
      if (broker.exitCode !== null) throw new Error(`Kafka ended: ${await output(broker)}`, { cause: error });
      if (performance.now() > deadline) throw new Error("Kafka did not get ready", { cause: error });
    }
    await systemClock.sleep(200);
  }
}

/** A fresh broker has no transaction coordinator before somebody asked for one; tests should not wait for that. */
async function makeTransactionLog({ host, port }: HostPort): Promise<void> {
  const kafka = new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.NOTHING, retry: { retries: 8 } });
  const producer = kafka.producer({ transactionalId: "is-anybody-there", maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.abort();
  await producer.disconnect();
}

/** Free a moment ago: the best that can be had of a program that cannot be told to take any. */
function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return promise;
}

function settings(port: number, controllerPort: number, data: string): string {
  return [
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names=CONTROLLER",
    "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    `log.dirs=${data}`,
    "auto.create.topics.enable=false",
    "group.initial.rebalance.delay.ms=0",
    ...["offsets.topic", "transaction.state.log"].map((topic) => `${topic}.replication.factor=1`),
    ...["offsets.topic", "transaction.state.log"].map((topic) => `${topic}.num.partitions=3`),
    "transaction.state.log.min.isr=1",
    "",
  ].join("\n");
}
