import { expect } from "bun:test";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd, endToEndOnce } from "../support/e2e/end-to-end.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";
import { parsePrometheus } from "../support/e2e/prometheus.ts";

endToEndOnce("the binary alone tells its version and how each command is used", async (world) => {
  expect(await world.mustRun(["--version"])).toMatch(/^brigade \d+\.\d+\.\d+\S*\n$/);
  const overview = await world.mustRun(["--help"]);
  const commands = [...overview.matchAll(/^ {2}(\w+) {2,}\S/gm)].map(([, name = ""]) => name);
  expect(commands).toEqual(
    expect.arrayContaining(["local", "scheduler", "processor", "executor", "validate", "schema"]),
  );
  expect(commands).toEqual(expect.arrayContaining(["produce", "consume", "status", "processors", "config"]));
  for (const command of commands) {
    const usage = await world.mustRun([command, "--help"]);
    expect(usage).toStartWith(`Usage: brigade ${command}`);
    expect(await world.mustRun(["help", command])).toBe(usage);
  }
});

endToEndOnce("wrong usage exits 2, says what is wrong, and does nothing", async (world) => {
  const cases: readonly (readonly [args: readonly string[], said: RegExp])[] = [
    [[], /^Usage: brigade COMMAND/],
    [["statsu"], /^brigade: There is no command "statsu" \(did you mean "status"\?\)\n$/],
    [["status", "--jsno"], /^brigade: Unknown option '--jsno'\n\nUsage: brigade status/],
    [["consume", "words", "--from"], /^brigade: Unknown option '--from'\n\nUsage: brigade consume/],
    [["status", "extra"], /^brigade: Unexpected argument 'extra'/],
    [["local", "--agents", "none"], /^brigade: --agents is none, must be a whole number from 1 to 100\n/],
    [["local", "--kafka-port", "70000"], /--kafka-port is 70000, must be a whole number from 0 to 65535/],
    [["local", "--kafka", "here"], /^brigade: --kafka is here, must be host:port\[,host:port\]\n/],
    [
      ["local", "--kafka", "here:9092", "--kafka-port", "9092"],
      /^brigade: --kafka and --kafka-port exclude each other: /,
    ],
    [["scheduler", "--config"], /--config/],
    [["processor"], /processor takes one NAME/],
    [["validate"], /validate takes one PATH/],
    [["produce"], /produce takes a TOPIC/],
    [["consume", "a", "b"], /consume takes one TOPIC/],
    [["consume", "a", "--count", "0"], /--count is 0, must be 1 or more/],
    [["processors", "remove"], /processors remove takes either names or --all/],
  ];
  for (const [args, said] of cases) {
    const { code, out, err } = await world.run(args);
    expect({ args, code, out }).toEqual({ args, code: 2, out: "" });
    expect(err).toMatch(said);
  }
});

endToEndOnce("what cannot be reached or read exits 1 and names it, in one line", async (world) => {
  const nobody = "127.0.0.1:1";
  await world.write("lines.txt", "one\n");
  const cases: readonly (readonly [args: readonly string[], named: string])[] = [
    [["status", "--api", `http://${nobody}`], `Cannot reach a scheduler at http://${nobody}`],
    [["processors", "remove", "--all", "--api", `http://${nobody}`], `Cannot reach a scheduler at http://${nobody}`],
    [["status", "--api", "nowhere"], "Cannot use API address nowhere"],
    [["validate", "nowhere"], "nowhere"],
    [["config", "--config", "nowhere.properties"], "nowhere.properties"],
    [["produce", "topic", "lines.txt", "--kafka", nobody], nobody],
    [["consume", "topic", "--kafka", nobody, "--count", "1"], nobody],
    [["local", "--kafka", nobody, "--mesos-port", "0", "--api-port", "0"], `Cannot reach Kafka at ${nobody}`],
    [["executor"], "MESOS_"],
  ];
  for (const [args, named] of cases) {
    const { code, out, err } = await world.run(args);
    expect({ args, code, out }).toEqual({ args, code: 1, out: "" });
    expect(err).toMatch(/^[^\n]+\n$/);
    expect(err).toContain(named);
  }
});

endToEndOnce("brigade schema prints a JSON Schema, and validate says yes to good files", async (world) => {
  const schema = JSON.parse(await world.mustRun(["schema"])) as Record<string, unknown>;
  expect(schema).toMatchObject({ $schema: expect.stringContaining("json-schema.org") });
  await world.define(definition("good", "in", "out", ["cat"]));
  expect(await world.mustRun(["validate", "processors"])).toBe("1 usable processor in 1 file, 0 errors, 0 warnings\n");
});

endToEnd("produce and consume pass records through Kafka as lines and as JSON", async (world) => {
  await using brigade = await startLocal(world, { args: ["--no-scheduler"] });
  const env = { KAFKA_ADDRESS: brigade.kafka };
  await brigade.topics.create("topic", 1);
  await world.write("lines.txt", "one\n\nthree");
  expect(await world.mustRun(["produce", "topic", "lines.txt", "--key", "k"], { env })).toBe(
    "3 records produced to topic\n",
  );
  expect(await world.mustRun(["produce", "topic", "--key-separator", ":"], { env, stdin: "a:b:c\n" })).toBe(
    "1 record produced to topic\n",
  );
  const read = ["consume", "topic", "--from-beginning", "--count", "4"];
  expect(await world.mustRun(read, { env })).toBe("one\n\nthree\nb:c\n");
  const lines = (await world.mustRun([...read, "--json"], { env })).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as Record<string, unknown>)).toMatchObject([
    { topic: "topic", partition: 0, offset: 0, key: "k", value: "one", headers: [] },
    { offset: 1, key: "k", value: "" },
    { offset: 2, key: "k", value: "three" },
    { offset: 3, key: "a", value: "b:c" },
  ]);
  // As a group it begins where it ended.
  const asGroup = ["consume", "topic", "--from-beginning", "--group", "readers", "--count"];
  expect(await world.mustRun([...asGroup, "3"], { env })).toBe("one\n\nthree\n");
  expect(await world.mustRun([...asGroup, "1"], { env })).toBe("b:c\n");
  const late = await world.run(["consume", "topic", "--count", "1", "--timeout", "100ms"], { env });
  expect(late).toMatchObject({ code: 1, out: "", err: "0 of 1 records came before 100ms went by without one\n" });
  const noFile = await world.run(["produce", "topic", "nowhere.txt"], { env });
  expect(noFile).toMatchObject({ code: 1, out: "" });
  expect(noFile.err).toMatch(/^brigade: Cannot read \S+nowhere\.txt: ENOENT: no such file [^\n]+\n$/);
  const noJson = await world.run(["produce", "topic", "--json"], { env, stdin: '{"value":"x"}\nx\n' });
  expect(noJson).toMatchObject({ code: 1, out: "" });
  expect(noJson.err).toMatch(
    /^1 line was acknowledged, all before line 2\.\nbrigade: Cannot produce line 2: it is not JSON/,
  );
});

endToEnd("status, health and metrics of a scheduler that runs", async (world) => {
  await world.define(
    definition("copy", "in", "out", ["cat"]),
    definition("fails", "in", "no", ["false"], { retry: { attempts: 1 } }),
  );
  await using brigade = await startLocal(world);
  const { api, topics } = brigade;
  await topics.produceValues("in", ["1", "2", "3"]);
  await api.untilSettled("copy", 3);
  await api.untilSettled("fails", 3);

  const text = await world.mustRun(["status", "--api", api.url]);
  expect(text).toMatch(/^brigade \S+, deployment brigade, up \S+\n/);
  expect(text).toMatch(/^copy +running +in > out +3 +3 +0 +0 +0 +0 /m);
  expect(text).toMatch(/^fails +running +in > no +3 +0 +3 +3 +0 +0 /m);
  const json = JSON.parse(await world.mustRun(["status", "--json"], { env: { BRIGADE_API: api.url } })) as unknown;
  expect(json).toMatchObject({
    deployment: "brigade",
    directory: { path: world.processorDir, readable: true },
    processors: [
      { name: "copy", counters: { recordsOut: 3 } },
      { name: "fails", counters: { errors: 3 } },
    ],
    problems: [],
    held: [],
  });

  const get = async (path: string): Promise<readonly [number, string, string]> => {
    const response = await fetch(`${api.url}${path}`);
    return [response.status, response.headers.get("content-type") ?? "", await response.text()];
  };
  expect((await get("/livez"))[0]).toBe(200);
  expect((await get("/readyz"))[0]).toBe(200);
  const [, , verbose] = await get("/readyz?verbose");
  expect(verbose.split("\n")).toEqual([
    "[+]processor-dir ok",
    "[+]processor/copy ok",
    "[+]processor/fails ok",
    "ok",
    "",
  ]);
  expect(await get("/status")).toMatchObject([200, expect.any(String), "OK"]);
  const [notFound, type, problem] = await get("/api/v1/processors/nobody");
  expect([notFound, type]).toEqual([404, "application/problem+json"]);
  expect(JSON.parse(problem)).toMatchObject({ status: 404, detail: "There is no processor nobody" });

  const [, metricsType, metrics] = await get("/metrics");
  expect(metricsType).toStartWith("text/plain; version=0.0.4");
  const families = parsePrometheus(metrics);
  expect([...families.keys()].filter((name) => !/^(brigade|kafka)_/.test(name))).toEqual([]);
  expect(families.get("brigade_records_out_total")?.samples).toContainEqual({
    labels: { processor: "copy" },
    value: 3,
  });
  expect(families.get("brigade_records_failed_total")?.samples).toContainEqual({
    labels: { processor: "fails" },
    value: 3,
  });
});
