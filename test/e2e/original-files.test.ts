import { expect } from "bun:test";
import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { endToEndOnce } from "../support/e2e/end-to-end.ts";
import type { World } from "../support/e2e/world.ts";

/* The original Brigade's own files, as their users have them. */

const SAMPLES = join(import.meta.dir, "../unit/config/samples");

async function take(world: World, ...names: readonly string[]): Promise<void> {
  for (const name of names) await copyFile(join(SAMPLES, name), world.path(name));
}

endToEndOnce("its processor files are accepted unchanged, those of the dev branch included", async (world) => {
  await take(world, "original.json", "readme.json", "dev.json");
  const expected = { "original.json": ["PROCESSOR", "PROCESSOR2"], "readme.json": ["thumbs"] };
  for (const [file, names] of Object.entries(expected)) {
    const { code, out } = await world.run(["validate", file, "--json"]);
    const { processors, problems } = JSON.parse(out) as { processors: { name: string }[]; problems: unknown[] };
    expect({ code, names: processors.map(({ name }) => name), problems }).toEqual({ code: 0, names, problems: [] });
  }
  // Its name has blanks, which makes it one warning.
  const { code, out } = await world.run(["validate", "dev.json"]);
  expect(code).toBe(0);
  expect(out).toEndWith("1 usable processor in 1 file, 0 errors, 1 warning\n");
});

endToEndOnce(
  "its properties file is accepted, with a warning for each key that means nothing any more",
  async (world) => {
    await take(world, "brigade.properties");
    const { code, out, err } = await world.run(["config", "--config", "brigade.properties"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^MESOS_MASTER = zk:\/\/mesosmaster:2181\/mesos +\(file\)$/m);
    expect(out).toMatch(/^KAFKA_ADDRESS = mesosmaster:9092 +\(file\)$/m);
    expect(out).toMatch(/^PROCESSOR_DIR = \/etc\/brigade\/sample_config\.json +\(file\)$/m);
    expect(out).toMatch(/^DEPLOYMENT = brigade +\(default\)$/m);
    const warned = [...err.matchAll(/: warning at (\w+): /g)].map(([, key]) => key);
    expect(warned).toEqual(["BRIGADE_EXECUTOR", "MARATHON_ADDRESS", "GROUP_ID", "SCHEDULER_IMAGE"]);
  },
);

endToEndOnce("the environment wins over the file, and no secret is shown", async (world) => {
  await world.write(
    "brigade.properties",
    "MESOS_MASTER=zk://user:pass-word@zk:2181/mesos\nKAFKA_ADDRESS=kafka:9092\nMESOS_PRINCIPAL=me\nMESOS_SECRET=hush-hush\n",
  );
  const env = { KAFKA_ADDRESS: "other:9093" };
  for (const args of [[], ["--json"]]) {
    const { code, out, err } = await world.run(["config", "--config", "brigade.properties", ...args], { env });
    expect(code).toBe(0);
    expect(out).toContain("other:9093");
    expect(out).not.toContain("kafka:9092");
    expect(out + err).not.toContain("hush-hush");
    expect(out + err).not.toContain("pass-word");
  }
});

endToEndOnce("settings that cannot be used are all named at once, and the scheduler does not start", async (world) => {
  await world.write("brigade.properties", "KAFKA_ADDRESS = nowhere\nFAILOVER_TIMEOUT = 10s\nKAFKA_ADRESS = x:1\n");
  const { code, err } = await world.run(["config", "--config", "brigade.properties"]);
  expect(code).toBe(1);
  expect(err).toContain("brigade.properties:1: error at KAFKA_ADDRESS");
  expect(err).toContain("brigade.properties:2: error at FAILOVER_TIMEOUT");
  expect(err).toContain('did you mean "KAFKA_ADDRESS"?');
  expect(err).toContain("MESOS_MASTER is missing");
  const scheduler = await world.run(["scheduler", "--config", "brigade.properties"]);
  expect(scheduler.code).toBe(1);
  for (const key of ["KAFKA_ADDRESS", "FAILOVER_TIMEOUT", "MESOS_MASTER"]) expect(scheduler.err).toContain(key);
  const missing = await world.run(["scheduler", "--config", "nowhere.properties"]);
  expect(missing.code).toBe(1);
  expect(missing.err).toContain("nowhere.properties");
  expect(await readdir(world.path("tmp"))).toEqual([]);
});
