import { expect } from "bun:test";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";
import { header, type JsonRecord } from "../support/e2e/topics.ts";

/* What programs may do, and what becomes of the record; the errors' headers are DESIGN's promise I7. */

interface Misbehaviour {
  readonly value: string;
  /** What the program does on that value, in shell. */
  readonly script: string;
  /** Of the error record. */
  readonly reason: string;
  readonly attempts: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly stdout?: string;
}

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    value: "fails",
    script: "printf 'half an answer'; printf 'no luck' >&2; exit 3",
    reason: "exit code 3",
    attempts: "2",
    headers: { "brigade.error.exit-code": "3", "brigade.error.stderr": "no luck" },
    stdout: "half an answer",
  },
  {
    value: "refuses",
    script: "exit 65",
    reason: "exit code 65 (EX_DATAERR)",
    attempts: "1",
    headers: { "brigade.error.exit-code": "65" },
  },
  {
    value: "crashes",
    script: "kill -SEGV $$",
    reason: "killed by SIGSEGV",
    attempts: "2",
    headers: { "brigade.error.signal": "SIGSEGV" },
  },
  {
    value: "floods",
    script: "head -c 5000000 /dev/zero",
    reason: "output larger than 900000 bytes (max-output)",
    attempts: "1",
  },
];

endToEnd(
  "a program that fails, crashes, hangs or floods costs its own record only, with the reason in headers",
  async (world) => {
    const cases = MISBEHAVIOURS.map(({ value, script }) => `${value}) ${script};;`).join("\n");
    // Each run of each record is noted outside of Brigade.
    const script = `read -r value; echo "$value" >> '${world.path("starts")}'; case "$value" in\n${cases}\n*) printf %s "$value";; esac`;
    const fields = { error: "errors", retry: { attempts: 2, backoff: "10ms" } };
    // Alone with its limit: whatever does come to its end may take as long as the machine needs.
    await world.define(
      definition("wild", "in", "out", script, fields),
      definition("late", "hanging", "out", ["sleep", "3600"], { ...fields, timeout: "2s", error: "late-errors" }),
    );
    await using brigade = await startLocal(world);
    const inputs = ["good 1", ...MISBEHAVIOURS.map(({ value }) => value), "good 2"];
    const headers = [{ name: "trace", value: "t-1" }];
    await brigade.topics.produce(
      "in",
      inputs.map((value, at) => ({ key: `key ${at}`, value: `${value}\n`, headers })),
    );
    await brigade.topics.produceValues("hanging", ["hangs"]);
    const view = await brigade.api.untilSettled("wild", inputs.length);
    const late = await brigade.api.untilSettled("late", 1);

    expect(await brigade.topics.values("out")).toEqual(["good 1", "good 2"]);
    const starts = await world.lines("starts");
    const errors = await brigade.topics.read("errors");
    expect(errors).toHaveLength(MISBEHAVIOURS.length);
    for (const { value, reason, attempts, headers = {}, stdout } of MISBEHAVIOURS) {
      const offset = inputs.indexOf(value);
      const error = errors.find(({ key }) => key === `key ${offset}`);
      const wanted = {
        trace: "t-1",
        "brigade.error.processor": "wild",
        "brigade.error.topic": "in",
        "brigade.error.partition": "0",
        "brigade.error.offset": String(offset),
        "brigade.error.reason": reason,
        "brigade.error.attempts": attempts,
        "__dlq.errors.topic": "in",
        "__dlq.errors.offset": String(offset),
        "__dlq.errors.message": reason,
        ...headers,
      };
      for (const [name, text] of Object.entries(wanted))
        expect([value, name, header(error!, name)]).toEqual([value, name, text]);
      if (stdout !== undefined) expect(error!.value).toBe(stdout);
      expect(starts.filter((start) => start === value)).toHaveLength(Number(attempts));
    }
    expect(view.counters).toMatchObject({ recordsIn: 6, recordsOut: 2, errors: 4, failedAttempts: 6, reruns: {} });
    const said = (await brigade.topics.read("late-errors")).map((error) =>
      ["reason", "attempts"].map((name) => header(error, `brigade.error.${name}`)),
    );
    expect(said).toEqual([["timed out after 2000 ms", "2"]]);
    expect(late.counters).toMatchObject({ recordsIn: 1, recordsOut: 0, errors: 1, failedAttempts: 2, reruns: {} });
  },
);

endToEnd("a program that says so is tried later, without counting as failed", async (world) => {
  const script = `[ -e '${world.path("ready")}' ] || { touch '${world.path("ready")}'; exit 75; }; cat`;
  await world.define(
    definition("later", "in", "out", script, { retry: { attempts: 1, backoff: "10ms" }, error: "errors" }),
  );
  await using brigade = await startLocal(world);
  await brigade.topics.produceValues("in", ["1"]);
  await brigade.api.untilSettled("later", 1);
  expect(await brigade.topics.values("out")).toEqual(["1"]);
  expect(await brigade.topics.size("errors")).toBe(0);
});

endToEnd(
  "a program that does not exist pauses its processor until the file is mended, and no record is lost",
  async (world) => {
    const broken = definition("absent", "in", "out", ["no-such-program", "--fast"], { error: "errors" });
    await world.define(broken, definition("other", "in", "copies", ["cat"]));
    await using brigade = await startLocal(world);
    const { api, topics } = brigade;
    const values = Array.from({ length: 20 }, (_, i) => String(i)).sort();
    await topics.produceValues("in", values);
    const { reason } = await api.untilPaused("absent", /no-such-program/);
    const status = await world.mustRun(["status", "--api", api.url]);
    expect(status).toMatch(/^absent +paused /m);
    expect(status).toContain(`absent: ${reason}`);
    // The others do not notice.
    await api.untilSettled("other", 20);
    expect(await topics.size("out")).toBe(0);

    await world.define({ ...broken, command: ["cat"] });
    await api.untilSettled("absent", 20);
    expect(await topics.values("out")).toEqual(values);
    expect(await topics.size("errors")).toBe(0);
    expect((await api.processor("absent"))?.phase).toBe("running");
  },
);

endToEnd("whatever a record is made of comes through: bytes, empty and null values, keys, headers", async (world) => {
  const allBytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString("base64");
  const bigBytes = Buffer.from(Uint8Array.from({ length: 600_000 }, (_, i) => (i * 31) % 251)).toString("base64");
  const headers = [
    { name: "twice", value: "1" },
    { name: "bytes", valueBase64: Buffer.from([0xff, 0x00]).toString("base64") },
    { name: "twice", value: "2" },
    { name: "empty", value: "" },
  ];
  const records: readonly JsonRecord[] = [
    { key: "bytes", valueBase64: allBytes, headers },
    { keyBase64: Buffer.from([0, 255, 7]).toString("base64"), valueBase64: bigBytes, headers: [] },
    { key: "empty", value: "", headers },
    { key: null, value: "no key: ünïcödé\nand a second line\n", headers: [] },
    { key: "", value: "empty key", headers: [] },
  ];
  await world.define(definition("copy", "in", "out", ["cat"]));
  await using brigade = await startLocal(world);
  await brigade.topics.produce("in", records);
  await brigade.api.untilSettled("copy", records.length);
  const content = ({ key, keyBase64, value, valueBase64, headers }: JsonRecord): string =>
    JSON.stringify({ key, keyBase64, value, valueBase64, headers });
  expect(new Set((await brigade.topics.read("out")).map(content))).toEqual(new Set(records.map(content)));
});

endToEnd(
  "an empty answer is sent or dropped as asked for, and a null value is told from an empty one",
  async (world) => {
    const script = 'printf %s "${BRIGADE_NULL:-not null}"; cat';
    await world.define(
      definition("sends", "in", "sent", ["true"]),
      definition("drops", "in", "dropped", ["sh", "-c", "grep -v drop; :"], { "empty-output": "drop" }),
      definition("nulls", "in", "nulls", script),
    );
    await using brigade = await startLocal(world);
    const { api, topics } = brigade;
    await topics.produce("in", [{ value: "drop" }, { value: null }, { value: "" }, { value: "keep" }]);
    for (const name of ["sends", "drops", "nulls"]) await api.untilSettled(name, 4);
    expect(await topics.values("sent")).toEqual(["", "", "", ""]);
    expect(await topics.values("dropped")).toEqual(["keep\n"]);
    expect(await topics.values("nulls")).toEqual(["1", "not null", "not nulldrop", "not nullkeep"]);
  },
);

endToEnd("a program is told of its record, and sees nothing of the environment that Brigade runs in", async (world) => {
  await world.define(definition("told", "in", "out", ["env"], { env: ["OWN=1=2"] }));
  await using brigade = await startLocal(world, { env: { SECRET_OF_THE_HOST: "1" } });
  await brigade.topics.produce("in", [{ key: "k", value: "v", headers: [{ name: "h", value: "x" }] }]);
  await brigade.api.untilSettled("told", 1);
  const [record] = await brigade.topics.read("out");
  const env = Object.fromEntries(
    (record!.value ?? "")
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/=(.*)/, 2)),
  );
  expect(env).toMatchObject({
    BRIGADE_PROCESSOR: "told",
    BRIGADE_TOPIC: "in",
    BRIGADE_PARTITION: "0",
    BRIGADE_OFFSET: "0",
    BRIGADE_ATTEMPT: "1",
    BRIGADE_KEY: "k",
    BRIGADE_HEADERS: '[{"name":"h","value":"x"}]',
    OWN: "1=2",
  });
  expect(Number(env["BRIGADE_TIMESTAMP"])).toBeGreaterThan(1_600_000_000_000);
  expect(Object.keys(env).filter((name) => /SECRET_OF_THE_HOST|^MESOS_|TMPDIR/.test(name))).toEqual([]);
});

endToEnd("an executor that is killed costs a second run, and no record", async (world) => {
  // Its parent is the executor. Once only, or it would go on for ever.
  const script = `mkdir '${world.path("done")}' 2>/dev/null && kill -9 $PPID; cat`;
  await world.define(
    definition("harsh", "in", "out", script, { retry: { attempts: 1 }, error: "errors", concurrency: 4 }),
  );
  await using brigade = await startLocal(world);
  const values = Array.from({ length: 12 }, (_, i) => String(i)).sort();
  await brigade.topics.produceValues("in", values);
  const view = await brigade.api.untilSettled("harsh", 12);
  expect(await brigade.topics.values("out")).toEqual(values);
  expect(await brigade.topics.size("errors")).toBe(0);
  const reruns = Object.values(view.counters.reruns).reduce((sum, count) => sum + count, 0);
  expect(reruns).toBeGreaterThanOrEqual(1);
  await eventually("it is counted", async () => {
    return /^brigade_reruns_total\{.*processor="harsh".*\} [1-9]/m.test(
      await (await fetch(`${brigade.api.url}/metrics`)).text(),
    );
  });
});
