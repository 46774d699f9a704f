import { createHash } from "node:crypto";
import { brigadeVersion } from "../base/version.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import { encodeExecutorConfig } from "../engine/executor-wire.ts";
import type { Run } from "../engine/ports.ts";
import { encodeRunRequest, type RunSpec, recordId, runSpec } from "../engine/run-wire.ts";
import { quantities } from "../placement/quantities.ts";
import { type ExecutorOptions, executorProcess } from "./executor-process.ts";
import { deploymentLabel, processorLabel } from "./framework-info.ts";
import {
  type ExecutorTemplate,
  makeTemplate,
  type TaskContent,
  type TaskRequest,
  type TaskTemplate,
} from "./keeper-api.ts";
import { formatRecordWork, workHead } from "./task-id.ts";

/** Label of each task: what it runs, for people and for tools that read the master's state. */
const CONFIGURATION_LABEL = "processor-configuration";
const HASH_CHARACTERS = 12;
/** From the agent's SHUTDOWN to its SIGKILL: enough to end programs by SIGTERM and to report it. */
const SHUTDOWN_GRACE_MS = 15_000;

/** What all runs of one version of a specification have in common. */
export interface RunTemplate {
  readonly shared: Place;
  /** For a run that has an executor for itself: nothing is kept warm there. */
  readonly alone: Place;
  readonly labels: NonNullable<TaskContent["labels"]>;
}

interface Place {
  readonly task: TaskTemplate;
  readonly spec: RunSpec;
}

export function runTemplate(spec: ProcessorSpec, options: ExecutorOptions): RunTemplate {
  const shared = placeOf(spec, options);
  return {
    shared,
    alone: spec.warm === 0 ? shared : placeOf({ ...spec, warm: 0 }, options),
    labels: { labels: [{ key: CONFIGURATION_LABEL, value: JSON.stringify(masked(spec)) }] },
  };
}

/** Warm containers are there all the time: their memory is the executor's, and their runs ask for none. */
function placeOf(spec: ProcessorSpec, options: ExecutorOptions): Place {
  const { cpus, mem } = quantities(spec);
  const executor = executorTemplate(spec, options);
  const resources = { cpus, mem: spec.warm === 0 ? mem : 0 };
  return { task: makeTemplate({ resources, constraints: spec.constraints, executor }), spec: runSpec(spec) };
}

export function requestOf(run: Run, template: RunTemplate): TaskRequest {
  const { id, record, attempt, alone } = run;
  const { partition, offset } = record;
  const { task, spec } = alone ? template.alone : template.shared;
  return {
    key: id,
    work: formatRecordWork({ head: workHead(spec.name, record.topic), partition, offset }),
    template: task,
    alone,
    content: () => ({
      name: `${spec.name} ${recordId(record)}`,
      labels: template.labels,
      data: encodeRunRequest({ spec, record, attempt }),
    }),
  };
}

/** Everything that Mesos compares between two ExecutorInfos of one id is in the hash, and so is our version. */
function executorTemplate(spec: ProcessorSpec, options: ExecutorOptions): ExecutorTemplate {
  const { deployment } = options;
  const { warm } = spec;
  const { cpus, idleTimeoutMs, maxTasks } = spec.executor;
  const memMb = spec.executor.memMb + warm * spec.memMb;
  const compared = {
    type: "CUSTOM",
    ...executorProcess(spec, options),
    name: `brigade executor of ${spec.name}`,
    source: spec.name,
  } as const;
  const identity = JSON.stringify([compared, cpus, memMb, warm, idleTimeoutMs, deployment, brigadeVersion]);
  return {
    hash: createHash("sha256").update(identity).digest("hex").slice(0, HASH_CHARACTERS),
    resources: quantities({ cpus, memMb }),
    maxTasks,
    slots: warm === 0 ? Infinity : warm,
    info: {
      ...compared,
      data: encodeExecutorConfig({ idleTimeoutMs }),
      labels: {
        labels: [
          { key: deploymentLabel, value: deployment },
          { key: processorLabel, value: spec.name },
        ],
      },
      shutdownGracePeriod: { nanoseconds: SHUTDOWN_GRACE_MS * 1e6 },
    },
  };
}

/** Labels are readable by everybody who can see the master's state, and for long. */
function masked(spec: ProcessorSpec): unknown {
  const hide = (env: ProcessorSpec["env"]): unknown => Object.fromEntries(env.map(([name]) => [name, "***"]));
  return { ...spec, env: hide(spec.env), executor: { ...spec.executor, env: hide(spec.executor.env) } };
}
