import { expect } from "bun:test";
import { ConfigResourceTypes, Kafka, logLevel } from "kafkajs";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { startKafka } from "../support/e2e/kafka-beside.ts";
import { SchedulerApi } from "../support/e2e/scheduler-api.ts";
import { header, type JsonRecord } from "../support/e2e/topics.ts";

/* Topics that take less than others (`max.message.bytes`): what is sent to them fits. */

const SETTING = "max.message.bytes";

async function asAdmin(kafka: string, action: (admin: ReturnType<Kafka["admin"]>) => Promise<unknown>): Promise<void> {
  const admin = new Kafka({ brokers: [kafka], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await action(admin);
  } finally {
    await admin.disconnect();
  }
}

function about({ value, ...record }: JsonRecord) {
  const said = (name: string): string | undefined => header({ ...record }, name);
  return {
    value: value?.replaceAll(/x+/g, "x"),
    reason: said("brigade.error.reason"),
    truncated: said("brigade.error.truncated"),
    offset: said("__dlq.errors.offset"),
    group: said("__dlq.errors.group"),
    cause: said("__dlq.errors.message"),
  };
}

endToEnd(
  "error records are cut to what their topic takes, and no output is larger than its topic takes",
  async (world) => {
    const { kafka, topics } = await startKafka(world);
    const limited = (topic: string, bytes: number) => {
      return { topic, numPartitions: 1, configEntries: [{ name: SETTING, value: String(bytes) }] };
    };
    const limits = [limited("small-errors", 4000), limited("small-out", 20_000)];
    await asAdmin(kafka, (admin) => admin.createTopics({ topics: limits }));
    const fails = "cat > /dev/null; head -c 5000 /dev/zero | tr '\\0' e >&2; exit 65";
    await world.define(
      definition("fails", "in", "out", fails, { error: { topic: "small-errors", value: "input" } }),
      definition("prints", "sizes", "small-out", `read -r size; head -c "$size" /dev/zero`, { error: "errors" }),
    );
    await using local = world.start(["local", "--kafka", kafka, "--mesos-port", "0", "--api-port", "0"]);
    const [, address = ""] = await local.says(/^brigade ready api=(\S+)/m);
    const api = new SchedulerApi(address);

    const large = { value: `begin ${"x".repeat(10_000)} end`, headers: [{ name: "trace", value: "t".repeat(3000) }] };
    await topics.produce("in", [large]);
    await api.untilSettled("fails", 1);
    // Less than anybody was told of: what is refused is cut further.
    const resources = [
      { type: ConfigResourceTypes.TOPIC, name: "small-errors", configEntries: [{ name: SETTING, value: "1500" }] },
    ];
    await asAdmin(kafka, (admin) => admin.alterConfigs({ validateOnly: false, resources }));
    await topics.produce("in", [large]);
    await api.untilSettled("fails", 2);
    const errors = await topics.read("small-errors");
    expect(errors.map(about).sort((a, b) => Number(a.offset) - Number(b.offset))).toEqual(
      errors.map((_, offset) => ({
        value: "begin x",
        reason: "exit code 65 (EX_DATAERR)",
        truncated: "stderr,headers,value",
        offset: String(offset),
        group: "BrigadeProc-in-fails",
        cause: "exit code 65 (EX_DATAERR)",
      })),
    );
    expect(errors).toHaveLength(2);
    expect(await api.processor("fails")).toMatchObject({ phase: "running", reason: null });

    await topics.produceValues("sizes", ["10000\n", "10001\n"]);
    await api.untilSettled("prints", 2);
    expect((await topics.values("small-out")).map(({ length }) => length)).toEqual([10_000]);
    const [tooLarge] = await topics.read("errors");
    expect(header(tooLarge!, "brigade.error.reason")).toBe("output larger than 10000 bytes (max-output)");
    expect(await local.end("SIGINT")).toBe(0);
  },
);
