import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import type { HostPort } from "../../src/config/settings.ts";
import { KafkaAdmin } from "../../src/kafka/admin.ts";
import { freePort } from "./free-port.ts";

/** The Kafkas that scripts/install-kafka fetches: an old one that is much in use, and the newest whole release. */
export const kafkaVersions = ["3.9.1", "4.3.1"] as const;
export type KafkaVersion = (typeof kafkaVersions)[number];

/** Long enough for a busy machine; a JVM that ends at once is noticed at once. */
const READY_WITHIN_MS = 180_000;
/** A JVM for a short life: what it saves at its start outweighs what it loses later. */
const briefJvm = ["-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"];
/** As `bin/kafka-server-start.sh` of Kafka starts it where nobody says otherwise. */
export const usualJvm: readonly string[] = [
  "-Xmx1G",
  "-Xms1G",
  "-server",
  "-XX:+UseG1GC",
  "-XX:MaxGCPauseMillis=20",
  "-XX:InitiatingHeapOccupancyPercent=35",
  "-XX:+ExplicitGCInvokesConcurrent",
  "-XX:MaxInlineLevel=15",
  "-Djava.awt.headless=true",
];

/** Why no program of this Kafka can be started here; undefined where it can. */
export function noRealKafka(version: KafkaVersion): string | undefined {
  if (Bun.which("java") === null) return "java is not installed";
  return existsSync(libsOf(version)) ? undefined : `scripts/install-kafka has not fetched Kafka ${version}`;
}

function libsOf(version: KafkaVersion): string {
  return resolve(import.meta.dir, `../../.tools/kafka-${version}/libs`);
}

/** The command line that runs a main class of Kafka. */
export function kafkaCommand(
  version: KafkaVersion,
  mainClass: string,
  args: readonly string[],
  jvm: readonly string[] = briefJvm,
): string[] {
  const classPath = [libsOf(version), "*"].join("/") + delimiter;
  return ["java", ...jvm, "-cp", classPath, mainClass, ...args];
}

/** The only user of a real Kafka's port that asks who one is. */
export const saslUser = { username: "alice", password: "alice's secret" } as const;

export interface RealKafka extends AsyncDisposable {
  readonly address: HostPort;
  /** Where the same broker wants to know who one is: {@link saslUser}, by SASL's mechanism PLAIN. */
  readonly saslAddress: HostPort;
  /** Ends in order, then starts again with the same address and data: after `kill -9` that takes half a minute. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  /** Of the broker's process, which a restart changes. */
  pid(): number;
}

export interface RealKafkaOptions {
  readonly version: KafkaVersion;
  /** Lines of its `server.properties` besides those that make it run at all. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Options of the broker's JVM; without them one for a short life. */
  readonly jvm?: readonly string[];
}

/** One broker of a real Kafka (KRaft), with a folder of its own. It makes no topics by itself. */
export async function startRealKafka({ version, settings = {}, jvm }: RealKafkaOptions): Promise<RealKafka> {
  const folder = mkdtempSync(join(tmpdir(), "brigade-real-kafka-"));
  const ports = { plain: await freePort(), sasl: await freePort(), controller: await freePort() };
  const properties = join(folder, "server.properties");
  const start = (mainClass: string, args: readonly string[]): JavaProcess =>
    Bun.spawn(kafkaCommand(version, mainClass, args, jvm), { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  writeFileSync(properties, propertiesText({ ...baseSettings(ports, join(folder, "data")), ...settings }));
  const format = start("kafka.tools.StorageTool", ["format", "-t", "brigadeTestsOfKafka00w", "-c", properties]);
  if ((await format.exited) !== 0) throw new Error(`cannot format ${folder}: ${await output(format)}`);

  const address = { host: "127.0.0.1", port: ports.plain };
  let broker = start("kafka.Kafka", [properties]);
  await ready(broker, address);
  const stop = async (): Promise<void> => {
    broker.kill("SIGKILL");
    await broker.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    address,
    saslAddress: { host: "127.0.0.1", port: ports.sasl },
    async restart() {
      broker.kill("SIGTERM");
      await broker.exited;
      broker = start("kafka.Kafka", [properties]);
      await ready(broker, address);
    },
    stop,
    pid: () => broker.pid,
    [Symbol.asyncDispose]: stop,
  };
}

type JavaProcess = Bun.Subprocess<"ignore", "pipe", "pipe">;

async function output({ stdout, stderr }: JavaProcess): Promise<string> {
  return `${await new Response(stdout).text()}${await new Response(stderr).text()}`.trim();
}

async function ready(broker: JavaProcess, address: HostPort): Promise<void> {
  const kafka = { brokers: [address], clientId: "brigade-tests" };
  const admin = new KafkaAdmin({ kafka, clock: systemClock, log: silentLogger, timeoutMs: 5000 });
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      await admin.topicExists("is-anybody-there");
      await makeCoordinators(address);
      return;
    } catch (error) {
      if (broker.exitCode !== null) throw new Error(`Kafka ended: ${await output(broker)}`, { cause: error });
      if (performance.now() > deadline) throw new Error("Kafka did not get ready", { cause: error });
    }
    await systemClock.sleep(200);
  }
}

/** One in each of the three partitions of either topic of the coordinators: these go by Java's hash of a name. */
const NAMES = ["a", "b", "c"] as const;

/** A broker has no coordinator before somebody asked for one, and refuses for as long as it reads what that has to know. */
async function makeCoordinators({ host, port }: HostPort): Promise<void> {
  const kafka = new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.NOTHING, retry: { retries: 8 } });
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.describeGroups([...NAMES]);
  } finally {
    await admin.disconnect();
  }
  for (const transactionalId of NAMES) {
    const producer = kafka.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    await (await producer.transaction()).abort();
    await producer.disconnect();
  }
}

interface Ports {
  readonly plain: number;
  readonly sasl: number;
  readonly controller: number;
}

function baseSettings({ plain, sasl, controller }: Ports, data: string): Record<string, string> {
  const clients = `PLAINTEXT://127.0.0.1:${plain},SASL_PLAINTEXT://127.0.0.1:${sasl}`;
  const { username, password } = saslUser;
  return {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${controller}`,
    listeners: `${clients},CONTROLLER://127.0.0.1:${controller}`,
    "advertised.listeners": clients,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.sasl_plaintext.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`,
    "log.dirs": data,
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "log.cleaner.backoff.ms": "1000",
    "log.initial.task.delay.ms": "500",
    "log.retention.check.interval.ms": "500",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "3",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.num.partitions": "3",
    "transaction.state.log.min.isr": "1",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
  };
}

function propertiesText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}
