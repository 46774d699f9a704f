import * as v from "valibot";
import { containerForm } from "./container-form.ts";
import type { ConstraintSpec, ErrorTopicSpec, VolumeSpec } from "./processor.ts";
import {
  absolutePath,
  described,
  duration,
  flag,
  kind,
  memory,
  number,
  oneOf,
  type Reader,
  size,
  text,
} from "./schema-kinds.ts";
import { either, environment, list, section, table } from "./schema-shapes.ts";

/*
 * A processor as a user writes it: every field with its type, default, unit and description. Messages, the JSON Schema
 * and the reference (docs/reference/processor.md) all come from here. What concerns several fields at once stands in
 * processor-rules.ts.
 *
 * The fields of the original Brigade keep their names and their leniency (numbers may be text); its dev branch's form
 * (`extractor`, `constraints`) is accepted beside them.
 */

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;
const MAX_RETRY_MS = 365 * DAY_MS;
/** A timer cannot wait longer than 2^31 − 1 ms, which is a little more. */
const MAX_TIMEOUT_MS = 24 * DAY_MS;
/** In `fine` mode the output travels in a Mesos status update (docs/concepts/promises.md, I6). */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/** Below it Mesos takes a share of a processor for none. */
const MIN_CPUS = 0.01;
const MAX_CPUS = 1024;

export const DEFAULT_MAX_USES = 1000;

export const namePattern = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;
/** Kafka's own rule (org.apache.kafka.common.internals.Topic). */
export const topicPattern = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

const topicExpects = 'a topic name: 1 to 249 of the characters A-Z a-z 0-9 . _ -, and neither "." nor ".."';

const topic = (): Reader<string> => text({ expects: topicExpects, pattern: topicPattern });

/** The original takes the empty text for "none". */
const topicOrNone = (): Reader<string | null> =>
  kind(
    {
      expects: `${topicExpects} (or "" for none)`,
      jsonSchema: { type: "string", pattern: `^$|${topicPattern.source}` },
    },
    (input) => (input === "" ? null : typeof input === "string" && topicPattern.test(input) ? input : undefined),
  );

const image = (): Reader<string> =>
  text({ expects: 'the name of a Docker image, such as "busybox:1.36", without blanks', pattern: /^[^\s\0]+$/ });

const cpus = (): Reader<number> => number({ min: MIN_CPUS, max: MAX_CPUS });

function readCommand(input: unknown): string | readonly string[] | undefined {
  if (typeof input === "string") return /^[^\0]*\S[^\0]*$/.test(input) ? input : undefined;
  if (!Array.isArray(input) || input.length === 0 || input[0] === "") return undefined;
  return input.every((part): part is string => typeof part === "string" && !part.includes("\0")) ? input : undefined;
}

const command = (): Reader<string | readonly string[]> =>
  kind(
    {
      expects: "text (run by /bin/sh -c) or a non-empty array of texts (the program and its arguments)",
      jsonSchema: {
        anyOf: [
          { type: "string", pattern: String.raw`\S` },
          { type: "array", items: { type: "string" }, minItems: 1 },
        ],
      },
    },
    readCommand,
  );

const volumes = (): Reader<readonly VolumeSpec[]> =>
  v.pipe(
    list(
      section({
        "host-path": described(absolutePath(), "A folder or file of the agent's host."),
        "container-path": described(absolutePath(), "Where the container sees it."),
        mode: v.optional(described(oneOf(["RO", "RW"], { ignoreCase: true }), "Read only, or read and write."), "RW"),
      }),
      'an array of {"host-path", "container-path", "mode"}',
    ),
    v.transform((entries) =>
      entries.map((entry) => ({
        hostPath: entry["host-path"],
        containerPath: entry["container-path"],
        mode: entry.mode,
      })),
    ),
  );

const secrets = table(absolutePath(), {
  expects: 'an object of files, such as {"TOKEN": "/etc/brigade/secrets/token"}',
  name: /^[^=\s\0]+$/,
  nameExpects: 'the name of a variable, without blanks and "="',
});

const constraint: Reader<ConstraintSpec> = v.pipe(
  section({
    attribute: v.optional(
      described(
        kind<string | null>({ expects: "text", jsonSchema: { type: "string" } }, (input) =>
          typeof input === "string" ? input || null : undefined,
        ),
        "The agent's attribute; absent or empty: its host name.",
      ),
    ),
    value: described(text({ expects: "non-empty text" }), "What the attribute must equal."),
  }),
  v.transform(({ attribute = null, value }) => ({ attribute, value })),
);

const errorTopic: Reader<ErrorTopicSpec | null> = v.pipe(
  topicOrNone(),
  v.transform((name) => (name === null ? null : { topic: name, value: "stdout" as const })),
);

const errorTopicAndValue: Reader<ErrorTopicSpec | null> = section({
  topic: described(topic(), "The topic that failed records go to."),
  value: v.optional(
    described(
      oneOf(["stdout", "input"]),
      "The error record's value: what the failed run printed, or the value of the record that failed.",
    ),
    "stdout",
  ),
});

const retry = section({
  attempts: v.optional(
    described(number({ min: 1, max: 1000, whole: true }), "Runs that may fail before the record goes to `error`."),
    3,
  ),
  backoff: v.optional(
    described(duration({ minMs: 1, maxMs: DAY_MS }), "The pause after the first failure; it doubles each time."),
    "1s",
  ),
  "max-backoff": v.optional(described(duration({ minMs: 1, maxMs: DAY_MS }), "The longest pause."), "1m"),
  "max-age": v.optional(
    described(
      duration({ minMs: SECOND_MS, maxMs: MAX_RETRY_MS }),
      "How long a record is tried again whose program exits with 75 (EX_TEMPFAIL), which is no failure.",
    ),
    "24h",
  ),
});

const executor = v.pipe(
  section({
    image: v.optional(
      described(
        image(),
        "The Docker image that executors run from, whose entrypoint is `brigade`. " +
          "Absent: they are processes on the agent's host, started by `BRIGADE_EXECUTOR`.",
      ),
    ),
    forcePull: v.optional(
      described(flag(), "Whether the agent pulls `image` before each start of an executor, even if it is there."),
      false,
    ),
    volumes: v.optional(
      described(volumes(), "What an executor that runs from `image` sees of the host, beside Docker's socket."),
      () => [],
    ),
    cpus: v.optional(described(cpus(), "CPUs of the executor itself, beside its tasks."), 0.1),
    mem: v.optional(described(memory({ minMb: 32 }), "Memory of the executor itself, beside its tasks."), 64),
    "idle-timeout": v.optional(
      described(duration({ minMs: SECOND_MS, maxMs: MAX_TIMEOUT_MS }), "An executor without tasks leaves after it."),
      "60s",
    ),
    "max-tasks": v.optional(
      described(
        number({ min: 1, max: 10_000_000, whole: true }),
        "An executor is replaced after so many tasks: each leaves files on the agent.",
      ),
      100_000,
    ),
    env: v.optional(described(environment(), "Environment of the executor. Values are never shown."), () => []),
  }),
  v.transform((form) => ({
    image: form.image ?? null,
    forcePull: form.forcePull,
    volumes: form.volumes,
    cpus: form.cpus,
    memMb: form.mem,
    idleTimeoutMs: form["idle-timeout"],
    maxTasks: form["max-tasks"],
    env: form.env,
  })),
);

/** The dev branch's form of the program. */
const extractor = section({
  dockerImage: described(image(), "As `docker`."),
  memory: v.optional(described(memory({ minMb: 1 }), "As `mem`."), 64),
  cpus: v.optional(described(cpus(), "As `cpus`, with that branch's default."), 0.5),
  forcePull: v.optional(
    described(flag(), "Whether the image is pulled before each start, even if it is there."),
    false,
  ),
  env: v.optional(described(environment(), "As `env`."), () => []),
  volumes: v.optional(described(volumes(), "As `volumes`."), () => []),
});

export const processorForm = section({
  name: described(
    text({ expects: '1 to 100 of the characters A-Z a-z 0-9 . _ -, and neither "." nor ".."', pattern: namePattern }),
    "Names the processor in topics, groups, tasks and metrics. Unique in a deployment.",
  ),
  input: described(topic(), "The topic that is read."),
  output: v.optional(
    described(topicOrNone(), "The topic that standard output goes to after exit 0. Absent: it is thrown away."),
  ),
  error: v.optional(
    described(
      either(
        [errorTopic, errorTopicAndValue],
        (input) => (typeof input === "object" && input !== null ? errorTopicAndValue : errorTopic),
        'a topic name, or {"topic", "value"}',
      ),
      "Where records go whose runs failed for good. Absent: they are logged and counted only.",
    ),
  ),
  docker: v.optional(described(image(), "The Docker image that is run. This, `command` or `extractor` is required.")),
  command: v.optional(described(command(), "The program that is run; with an image, the arguments to its entrypoint.")),
  container: v.optional(described(containerForm, "Docker's options, where the program is an image."), () => ({})),
  mem: v.optional(described(memory({ minMb: 1 }), "Memory of one run, in MB of 2^20 bytes."), 64),
  cpus: v.optional(described(cpus(), "CPUs of one run."), 0.2),
  volumes: v.optional(described(volumes(), "What containers see of the host."), () => []),
  env: v.optional(described(environment(), "Environment of the program. Values are never shown."), () => []),
  secrets: v.optional(
    described(
      secrets,
      "More of its environment: names, and files on the agent with the values. The executor reads them for each run.",
    ),
    () => ({}),
  ),
  constraints: v.optional(
    described(
      list(constraint, 'an array of {"attribute", "value"}'),
      "Agents that may run it: every attribute named must have the value.",
    ),
    () => [],
  ),
  isolation: v.optional(
    described(
      oneOf(["process", "container", "exec"]),
      "How a message meets the program: a fresh process in the executor's sandbox, a fresh container, or (`exec`) a " +
        "fresh process in a container that is kept. Default: `container` with an image, else `process`.",
    ),
  ),
  warm: v.optional(
    described(
      number({ min: 0, max: 1000, whole: true }),
      "In `container` isolation: so many containers on each agent have started and wait for a message on standard " +
        "input. At most so many runs take place there at once; their memory is paid for all the time.",
    ),
    0,
  ),
  "max-uses": v.optional(
    described(
      number({ min: 1, max: 1_000_000, whole: true }),
      "In `exec` isolation: a container is replaced after so many messages.",
    ),
    DEFAULT_MAX_USES,
  ),
  timeout: v.optional(
    described(
      duration({ minMs: 1, maxMs: MAX_TIMEOUT_MS }),
      "A run is ended after it and has failed. Absent: no limit.",
    ),
  ),
  retry: v.optional(described(retry, "What happens to records whose runs fail."), () => ({})),
  "max-output": v.optional(
    described(
      size({ minBytes: 1, maxBytes: MAX_OUTPUT_BYTES, range: "at least 1 byte and at most 4MiB" }),
      "A run that prints more has failed, and is not tried again.",
    ),
    "900kB",
  ),
  "empty-output": v.optional(
    described(oneOf(["send", "drop"]), "After exit 0 without output: send an empty value, or nothing."),
    "send",
  ),
  concurrency: v.optional(
    described(number({ min: 1, max: 100_000, whole: true }), "Runs at once, over all agents."),
    100,
  ),
  "max-in-flight": v.optional(
    described(
      size({ minBytes: 1, maxBytes: 64 * 1024 ** 3, range: "at least 1 byte and at most 64GiB" }),
      "Bytes read and not yet settled, outputs that wait to be sent included.",
    ),
    "64MB",
  ),
  from: v.optional(
    described(oneOf(["earliest", "latest"]), "Where reading begins if the consumer group has no position yet."),
    "earliest",
  ),
  group: v.optional(
    described(
      text({ expects: "1 to 255 characters, none of them a control character", pattern: /^[^\p{Cc}]{1,255}$/u }),
      "The consumer group. Default: `BrigadeProc-<input>-<name>`, with the deployment in front if that is not `brigade`.",
    ),
  ),
  ordering: v.optional(
    described(
      oneOf(["none", "key", "partition"]),
      "Which records never run at once and keep their order: none, those of a key, or those of a partition.",
    ),
    "none",
  ),
  overlap: v.optional(
    described(
      oneOf(["allow", "forbid"]),
      "Whether a record, and others of its key or partition by `ordering`, may run while a former run that was given up " +
        "may still be alive, on an agent that is out of reach for example. `forbid` waits until that run is known to be dead.",
    ),
    "allow",
  ),
  "unreachable-timeout": v.optional(
    described(
      duration({ minMs: 0, maxMs: MAX_TIMEOUT_MS }),
      "How long a run is waited for whose agent Mesos does not reach, before it is given up and its record runs again.",
    ),
    "60s",
  ),
  "drain-timeout": v.optional(
    described(
      duration({ minMs: 0, maxMs: MAX_TIMEOUT_MS }),
      "A change of `input`, `group` or `ordering` first finishes what was read. After so long what still runs is " +
        "cancelled; its records run again.",
    ),
    "60s",
  ),
  executor: v.optional(described(executor, "The executor that runs the tasks on an agent."), () => ({})),
  extractor: v.optional(
    described(extractor, "The dev branch's form, in place of `docker`, `mem`, `cpus`, `env` and `volumes`."),
  ),
});

/** A processor as written, with every default filled in. */
export type ProcessorForm = v.InferOutput<typeof processorForm>;
