import { formatHostPort } from "../../../src/config/addresses.ts";
import { atTheEnd } from "../at-the-end.ts";
import { type KafkaVersion, kafkaVersions, noRealKafka, type RealKafka, startRealKafka } from "../real-kafka.ts";
import { emptyKafka } from "./empty-kafka.ts";
import type { KafkaBeside } from "./world.ts";

/** A Kafka that end-to-end tests run on. */
export interface TestKafka {
  /** In BRIGADE_TEST_KAFKA. */
  readonly id: string;
  /** In the names of tests. */
  readonly name: string;
  /** Why there is none on this machine. */
  readonly missing: string | undefined;
  /** Undefined: whoever needs one starts the embedded one. */
  lend(): Promise<LentKafka | undefined>;
}

/** A Kafka for one test, without topics and groups at first. */
export interface LentKafka extends KafkaBeside {
  /** The test has passed, and nothing of it runs any more. */
  giveBack(): Promise<void>;
  /** The test has failed: what it has left is nobody else's business. */
  discard(): Promise<void>;
}

export const embeddedKafka: TestKafka = {
  id: "embedded",
  name: "embedded Kafka",
  missing: undefined,
  lend: () => Promise.resolve(undefined),
};

/**
 * A real broker takes seconds to start, and is quick once it has run for a while: so one test hands it on to the next,
 * emptied. Tests that run at the same time have one each.
 */
class RealKafkas implements TestKafka {
  readonly id: KafkaVersion;
  readonly name: string;
  readonly missing: string | undefined;
  readonly #free: RealKafka[] = [];
  readonly #all = new Set<RealKafka>();

  constructor(version: KafkaVersion) {
    this.id = version;
    this.name = `Kafka ${version}`;
    this.missing = noRealKafka(version);
  }

  async lend(): Promise<LentKafka> {
    const kafka = this.#free.pop() ?? (await this.#start());
    return {
      address: formatHostPort(kafka.address),
      pid: () => kafka.pid(),
      restart: () => kafka.restart(),
      giveBack: async () => {
        await emptyKafka(kafka.address);
        this.#free.push(kafka);
      },
      discard: () => this.#stop(kafka),
    };
  }

  async #start(): Promise<RealKafka> {
    // As a broker is unless told otherwise, where the tests of the adapter want to know what is not there.
    const settings = { "auto.create.topics.enable": "true" };
    const kafka = await startRealKafka({ version: this.id, settings });
    if (this.#all.size === 0) atTheEnd(() => this.#stopAll());
    this.#all.add(kafka);
    return kafka;
  }

  async #stop(kafka: RealKafka): Promise<void> {
    this.#all.delete(kafka);
    await kafka.stop();
  }

  async #stopAll(): Promise<void> {
    await Promise.all([...this.#all].map((kafka) => this.#stop(kafka)));
  }
}

const known: readonly TestKafka[] = [embeddedKafka, ...kafkaVersions.map((version) => new RealKafkas(version))];

/** What end-to-end tests run on: the embedded one and the newest real one, unless BRIGADE_TEST_KAFKA names others. */
export const kafkas: readonly TestKafka[] = (process.env["BRIGADE_TEST_KAFKA"] ?? "embedded,4.3.1")
  .split(",")
  .map((id) => {
    const kafka = known.find((one) => one.id === id);
    if (kafka !== undefined) return kafka;
    throw new Error(`BRIGADE_TEST_KAFKA has "${id}", must be of: ${known.map((one) => one.id).join(", ")}`);
  });
