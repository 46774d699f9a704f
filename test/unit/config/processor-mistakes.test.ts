import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { formatProblem, type Problem } from "../../../src/config/problem.ts";
import { parseProcessors } from "../../../src/config/processor-schema.ts";

/** `path: message (hint)` of each problem. */
function problemsOf(text: string, severity?: Problem["severity"]): string[] {
  return parseProcessors(text, "test.json")
    .problems.filter((problem) => severity === undefined || problem.severity === severity)
    .map(({ path, message, hint }) => `${path}: ${message}${hint === undefined ? "" : ` (${hint})`}`);
}

/** Problems of a processor that is right but for `fields`. */
function withFields(fields: Record<string, unknown>): string[] {
  return problemsOf(JSON.stringify({ name: "a", input: "in", docker: "image", ...fields }));
}

/** Errors of one with warm containers. */
function problemsOfWarm(fields: Record<string, unknown>): string[] {
  const text = JSON.stringify({ name: "a", input: "in", docker: "image", warm: 2, ...fields });
  return problemsOf(text, "error");
}

const nameRule = 'must be 1 to 100 of the characters A-Z a-z 0-9 . _ -, and neither "." nor ".."';
const topicRule = 'must be a topic name: 1 to 249 of the characters A-Z a-z 0-9 . _ -, and neither "." nor ".."';

test("ten mistakes give ten clear messages, each with its place", async () => {
  const text = await Bun.file(join(import.meta.dir, "samples", "ten-mistakes.json")).text();
  const { processors, problems } = parseProcessors(text, "ten-mistakes.json");
  expect(processors).toEqual([]);
  expect(problems.map(formatProblem)).toEqual([
    `ten-mistakes.json:3:5: error at $[0].name: name is "thumbs/small", ${nameRule}`,
    'ten-mistakes.json:5:5: error at $[0].outptu: outptu is no known field (did you mean "output"?)',
    'ten-mistakes.json:6:5: error at $[0].error: error is "pictures", must differ from input',
    'ten-mistakes.json:8:5: error at $[0].mem: mem is "a lot", must be a number of MB, or a size such as "64MB" or "1GB", at least 1 MB and at most 16 TB',
    'ten-mistakes.json:9:5: error at $[0].timeout: timeout is 30, must be a duration such as "90s", "5m" or "1h30m", from 1ms to 24d',
    'ten-mistakes.json:10:13: error at $[0].env[0]: env[0] is text without a name and "=" (its 9 characters are not shown), must be text of the form "NAME=value"',
    "ten-mistakes.json:11:16: error at $[0].retry.attempts: retry.attempts is 0, must be a whole number from 1 to 1000",
    'ten-mistakes.json:12:5: error at $[0].max-output: max-output is "5MiB", must be a size such as "900kB" or "1MB", at least 1 byte and at most 4MiB',
    "ten-mistakes.json:14:3: error at $[1]: the processor has no program, must have docker (an image), command, or both",
    'ten-mistakes.json:17:65: error at $[1].volumes[0].mode: volumes[0].mode is "RX", must be "RO" or "RW"',
  ]);
});

describe("a value that is none of its field", () => {
  const refused: readonly (readonly [fields: Record<string, unknown>, problem: string])[] = [
    [{ name: "." }, `$.name: name is ".", ${nameRule}`],
    [{ name: "a b" }, `$.name: name is "a b", ${nameRule}`],
    [{ name: "x".repeat(101) }, `$.name: name is "${"x".repeat(56)}…, ${nameRule}`],
    [{ name: undefined }, `$.name: name is missing, ${nameRule}`],
    [{ name: null }, `$.name: name is null, ${nameRule}`],
    [{ name: 7 }, `$.name: name is 7, ${nameRule}`],
    [{ input: "a/b" }, `$.input: input is "a/b", ${topicRule}`],
    [{ input: ".." }, `$.input: input is "..", ${topicRule}`],
    [{ output: "grün" }, `$.output: output is "grün", ${topicRule} (or "" for none)`],
    [{ error: { topic: "e", value: "stderr" } }, '$.error.value: error.value is "stderr", must be "stdout" or "input"'],
    [{ error: {} }, `$.error.topic: error.topic is missing, ${topicRule}`],
    [
      { docker: "my image" },
      '$.docker: docker is "my image", must be the name of a Docker image, such as "busybox:1.36", without blanks',
    ],
    [
      { command: [] },
      "$.command: command is [], must be text (run by /bin/sh -c) or a non-empty array of texts (the program and its arguments)",
    ],
    [{ cpus: 0 }, "$.cpus: cpus is 0, must be a number from 0.01 to 1024"],
    [{ cpus: "-1" }, '$.cpus: cpus is "-1", must be a number from 0.01 to 1024'],
    [{ concurrency: 1.5 }, "$.concurrency: concurrency is 1.5, must be a whole number from 1 to 100000"],
    [
      { timeout: "0s" },
      '$.timeout: timeout is "0s", must be a duration such as "90s", "5m" or "1h30m", from 1ms to 24d',
    ],
    [{ retry: [] }, "$.retry: retry is [], must be an object"],
    [{ retry: { attempt: 1 } }, '$.retry.attempt: retry.attempt is no known field (did you mean "attempts"?)'],
    [{ env: { A: "B" } }, '$.env: env is {"A":"B"}, must be an array of text of the form "NAME=value"'],
    [{ env: ["A=1", "B=2", "A=3"] }, '$.env[2]: env[2] sets "A", which entry 0 sets already'],
    [
      { volumes: [{ "host-path": "srv", "container-path": "/a" }] },
      '$.volumes[0].host-path: volumes[0].host-path is "srv", must be an absolute path',
    ],
    [
      { constraints: [{ attribute: "rack" }] },
      "$.constraints[0].value: constraints[0].value is missing, must be non-empty text",
    ],
    [{ isolation: "vm" }, '$.isolation: isolation is "vm", must be one of "process", "container", "exec"'],
    [{ warm: -1 }, "$.warm: warm is -1, must be a whole number from 0 to 1000"],
    [{ "max-uses": 0 }, "$.max-uses: max-uses is 0, must be a whole number from 1 to 1000000"],
    [{ secrets: { TOKEN: "token" } }, '$.secrets.TOKEN: secrets.TOKEN is "token", must be an absolute path'],
    [
      { secrets: ["/token"] },
      '$.secrets: secrets is ["/token"], must be an object of files, such as {"TOKEN": "/etc/brigade/secrets/token"}',
    ],
    [{ from: "latests" }, '$.from: from is "latests", must be "earliest" or "latest"'],
    [{ ordering: 1 }, '$.ordering: ordering is 1, must be one of "none", "key", "partition"'],
    [{ memory: 64 }, '$.memory: memory is no known field (did you mean "mem"?)'],
    [{ maxOutput: "1MB" }, '$.maxOutput: maxOutput is no known field (did you mean "max-output"?)'],
  ];
  for (const [fields, problem] of refused) {
    test(`${JSON.stringify(fields).slice(0, 60)} is refused by name and range`, () => {
      expect(withFields(fields)).toEqual([problem]);
    });
  }

  test("a field that resembles none is answered with all there are", () => {
    expect(withFields({ zzz: 1 })[0]).toStartWith("$.zzz: zzz is no known field, must be one of name, input, output,");
  });

  test("the value of an environment variable is never shown", () => {
    const shown = withFields({ env: ["hunter2", "A B=hunter2", "P=hunter2", "P=hunter2", 7] }).join("\n");
    expect(shown).not.toContain("hunter2");
    expect(shown.split("\n")).toHaveLength(4);
  });
});

describe("fields that do not go together", () => {
  test("output and error must differ from input", () => {
    expect(withFields({ output: "in", error: "in" })).toEqual([
      '$.output: output is "in", must differ from input',
      '$.error: error is "in", must differ from input',
    ]);
  });

  test("isolation must fit the program", () => {
    expect(withFields({ isolation: "process" })).toEqual([
      '$.isolation: isolation is "process" although there is an image, must be "container" or "exec"',
    ]);
    expect(withFields({ docker: undefined, command: "cat", isolation: "container" })).toEqual([
      '$.isolation: isolation is "container" although there is no image, must be "process" (docker names the image)',
    ]);
  });

  test("exec and warm containers need an image, and each other's absence", () => {
    expect(withFields({ isolation: "exec", "max-uses": 7 })).toEqual([]);
    expect(withFields({ docker: undefined, command: "cat", isolation: "exec" })).toEqual([
      '$.isolation: isolation is "exec" although there is no image, must be "process" (docker names the image)',
    ]);
    expect(problemsOfWarm({ isolation: "exec" })).toEqual([
      "$.warm: warm is 2 in exec isolation, must be 0: only containers are made ahead of messages",
    ]);
    expect(problemsOfWarm({ docker: undefined, command: "cat" })).toEqual([
      "$.warm: warm is 2 in process isolation, must be 0: only containers are made ahead of messages",
    ]);
  });

  test("a program that has started knows nothing of its message, which is worth a warning", () => {
    const [warning, ...others] = withFields({ warm: 2 });
    expect(warning).toStartWith("$.warm: warm is 2: programs that have started before their message see nothing of it");
    expect(warning).toContain("BRIGADE_TOPIC");
    expect(others).toEqual([]);
    expect(withFields({ warm: 0 })).toEqual([]);
  });

  test("max-uses means something in exec isolation only, which is worth a warning", () => {
    expect(withFields({ "max-uses": 7 })).toEqual([
      '$.max-uses: max-uses has no effect but in isolation "exec", where a container has many messages',
    ]);
  });

  test("extractor replaces what it holds", () => {
    expect(withFields({ mem: 1, extractor: { dockerImage: "x" } })).toEqual([
      "$.docker: docker stands beside extractor, must stand inside it or replace it",
      "$.mem: mem stands beside extractor, must stand inside it or replace it",
    ]);
  });

  test("bounds must hold each other", () => {
    expect(withFields({ retry: { backoff: "2m" }, "max-in-flight": "1kB" })).toEqual([
      "$.retry.max-backoff: retry.max-backoff is 1m, must be retry.backoff (2m) or more",
      "$.max-in-flight: max-in-flight is 1 kB, must be max-output (900 kB) or more",
    ]);
  });

  test("a container needs the Engine's least memory, a process does not", () => {
    expect(withFields({ mem: 5 })).toEqual(["$.mem: mem is 5 MB, must be 6 MB or more for a container"]);
    expect(withFields({ mem: 5, docker: undefined, command: "cat" })).toEqual([]);
  });

  test("a container path is mounted once", () => {
    const volume = { "host-path": "/a", "container-path": "/b" };
    expect(withFields({ volumes: [volume, volume] })).toEqual([
      '$.volumes[1].container-path: volumes[1].container-path is "/b" like that of a volume above it',
    ]);
    expect(withFields({ volumes: [volume], executor: { image: "x", volumes: [volume, volume] } })).toEqual([
      '$.executor.volumes[1].container-path: executor.volumes[1].container-path is "/b" like that of a volume above it',
    ]);
  });

  test("a variable has one source, and those of Brigade have theirs", () => {
    expect(withFields({ env: ["A=1"], secrets: { A: "/a", BRIGADE_KEY: "/b" } })).toEqual([
      "$.secrets.A: secrets.A is set by env as well, must be set by one of them",
      "$.secrets.BRIGADE_KEY: secrets.BRIGADE_KEY must not begin with BRIGADE_, which is Brigade's own",
    ]);
  });

  test("the executor's environment cannot replace the executor, nor lift what its agent refuses", () => {
    const env = ["DOCKER_HOST=tcp://build:2375", "AWS_REGION=x", "LD_PRELOAD=/srv/x.so", "BUN_OPTIONS=x", "PATH=/srv"];
    expect(withFields({ executor: { env } }).map((line) => line.split(",")[0])).toEqual([
      '$.executor.env[2]: executor.env[2] sets "LD_PRELOAD"',
      '$.executor.env[3]: executor.env[3] sets "BUN_OPTIONS"',
      '$.executor.env[4]: executor.env[4] sets "PATH"',
    ]);
  });

  test("nothing is mounted over what is the executor's own", () => {
    const volumes = ["/etc/brigade/agent.json", "/mnt/mesos", "/etc/brigade-of-mine"].map((path) => {
      return { "host-path": "/a", "container-path": path };
    });
    expect(withFields({ executor: { image: "x", volumes } })).toEqual([
      '$.executor.volumes[0].container-path: executor.volumes[0].container-path is "/etc/brigade/agent.json", which is the executor\'s own',
      '$.executor.volumes[1].container-path: executor.volumes[1].container-path is "/mnt/mesos", which is the executor\'s own',
    ]);
  });

  test("a mistake in one field does not hide a mistake between two others", () => {
    expect(withFields({ output: "in", cpus: "many" })).toHaveLength(2);
  });

  test("what is odd but works is a warning, and the processor is used", () => {
    const text = JSON.stringify({
      name: "a",
      input: "in",
      output: "out",
      error: "out",
      command: "cat",
      volumes: [{ "host-path": "/a", "container-path": "/b" }],
      env: ["BRIGADE_TOPIC=x"],
      executor: { forcePull: true, volumes: [{ "host-path": "/a", "container-path": "/b" }] },
    });
    expect(parseProcessors(text, "test.json").processors).toHaveLength(1);
    expect(problemsOf(text, "error")).toEqual([]);
    expect(problemsOf(text, "warning").map((line) => line.split(":")[0])).toEqual([
      "$.error",
      "$.volumes",
      "$.env[0]",
      "$.executor.forcePull",
      "$.executor.volumes",
    ]);
  });
});

describe("processors that do not go together", () => {
  const processor = (name: string, input: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
    name,
    input,
    command: "cat",
    ...more,
  });

  test("names and groups are used once, also where a processor has other mistakes", () => {
    const set = [
      processor("a", "t1", { cpus: -1 }),
      processor("a", "t2", { group: "g" }),
      processor("c", "t3", { group: "g" }),
    ];
    expect(problemsOf(JSON.stringify(set))).toEqual([
      "$[0].cpus: cpus is -1, must be a number from 0.01 to 1024",
      '$[1].name: name is "a" like that of $[0] in test.json, must differ: names are unique in a deployment',
      '$[2].group: group is "g" like that of $[1] in test.json, must differ: two processors of one consumer group would take records from each other',
    ]);
  });

  test("a circle of topics, through outputs or error topics, is a warning that shows it once", () => {
    const set = [
      processor("a", "t1", { output: "t2" }),
      processor("b", "t2", { output: "t9", error: "t3" }),
      processor("c", "t3", { output: "t1" }),
      processor("d", "t1", { output: "t7" }),
    ];
    expect(problemsOf(JSON.stringify(set))).toEqual([
      "$[0]: records go in a circle: a (t1) → b (t2) → c (t3) → a (t1)",
    ]);
    expect(parseProcessors(JSON.stringify(set), "x").processors).toHaveLength(4);
  });
});

describe("what is no list of processors", () => {
  test("values of another kind", () => {
    expect(problemsOf("7")).toEqual(["$: the processor is 7, must be an object with name, input and a program"]);
    expect(problemsOf("[[]]")).toEqual(["$[0]: the processor is [], must be an object with name, input and a program"]);
    expect(problemsOf("[]")).toEqual([]);
  });

  test("broken JSON has a line and a column", () => {
    const [problem] = parseProcessors('{\n  "error": "e"\n  "docker": "d"\n}', "a.json").problems;
    expect(problem).toEqual({
      severity: "error",
      file: "a.json",
      path: "$",
      message: 'not JSON: "docker" stands where "," or "}" must be, after "error"',
      line: 3,
      column: 3,
    });
  });

  test("a name that appears twice in an object", () => {
    expect(problemsOf('{"name": "a", "input": "b", "input": "c", "docker": "d"}')).toEqual([
      "$.input: input appears more than once in its object, must appear once",
    ]);
  });
});
