import { formatDuration } from "../base/duration.ts";
import { formatSize } from "../base/size.ts";
import type { VolumeSpec } from "./processor.ts";
import type { ProcessorForm } from "./processor-form.ts";

/*
 * What must hold between the fields of one processor. Each rule sees the fields that are right by themselves, so that a
 * mistake in one does not hide a mistake between two others.
 */

/** What a rule found; `path` begins below the processor. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint?: string;
}

/** A form of which the fields with mistakes are left out, and the names of all fields that the user wrote. */
export interface CheckedForm {
  readonly form: Partial<ProcessorForm>;
  readonly given: ReadonlySet<string>;
}

type Rule = (checked: CheckedForm) => readonly Finding[];

/** The Engine's own limit ("Minimum memory limit allowed is 6MB"). */
const MIN_CONTAINER_MB = 6;

const error = (path: Finding["path"], message: string, hint?: string): Finding =>
  hint === undefined ? { severity: "error", path, message } : { severity: "error", path, message, hint };

const warning = (path: Finding["path"], message: string): Finding => ({ severity: "warning", path, message });

/** Output and error records would be read again and again. */
const notIntoItself: Rule = ({ form }) => {
  const findings: Finding[] = [];
  if (form.input === undefined) return findings;
  if (form.output === form.input) findings.push(error(["output"], `is "${form.input}", must differ from input`));
  if (form.error?.topic === form.input) findings.push(error(["error"], `is "${form.input}", must differ from input`));
  return findings;
};

const oneTopicForBoth: Rule = ({ form: { input, output, error } }) =>
  typeof output === "string" && output === error?.topic && output !== input
    ? [warning(["error"], `is "${output}" like output: results and failures cannot be told apart there`)]
    : [];

const hasProgram: Rule = ({ given }) =>
  given.has("docker") || given.has("command") || given.has("extractor")
    ? []
    : [error([], "has no program, must have docker (an image), command, or both")];

const oneFormOnly: Rule = ({ given }) =>
  given.has("extractor")
    ? ["docker", "mem", "cpus", "volumes", "env"]
        .filter((name) => given.has(name))
        .map((name) => error([name], "stands beside extractor, must stand inside it or replace it"))
    : [];

const isolationFits: Rule = ({ form, given }) => {
  const hasImage = given.has("docker") || given.has("extractor");
  if (form.isolation === "process" && hasImage) {
    return [error(["isolation"], 'is "process" although there is an image, must be "container"')];
  }
  if (form.isolation === "container" && !hasImage) {
    return [
      error(["isolation"], 'is "container" although there is no image, must be "process"', "docker names the image"),
    ];
  }
  return [];
};

/** The isolation that will be used, as far as the form tells. */
function isContainer({ form, given }: CheckedForm): boolean {
  return form.isolation === undefined ? given.has("docker") || given.has("extractor") : form.isolation === "container";
}

const containerHasRoom: Rule = (checked) => {
  const { form, given } = checked;
  if (!isContainer(checked)) return [];
  const [mem, path] = given.has("extractor") ? [form.extractor?.memory, ["extractor", "memory"]] : [form.mem, ["mem"]];
  return mem !== undefined && mem < MIN_CONTAINER_MB
    ? [error(path, `is ${mem} MB, must be ${MIN_CONTAINER_MB} MB or more for a container`)]
    : [];
};

const volumesNeedContainers: Rule = (checked) =>
  checked.form.volumes !== undefined && checked.form.volumes.length > 0 && !isContainer(checked)
    ? [warning(["volumes"], "has no effect in process isolation, which sees the agent's files as they are")]
    : [];

const containerPathsDiffer: Rule = ({ form, given }) => [
  ...(given.has("extractor")
    ? repeatedPaths(form.extractor?.volumes, ["extractor", "volumes"])
    : repeatedPaths(form.volumes, ["volumes"])),
  ...repeatedPaths(form.executor?.volumes, ["executor", "volumes"]),
];

function repeatedPaths(volumes: readonly VolumeSpec[] | undefined, path: Finding["path"]): Finding[] {
  const seen = new Set<string>();
  return (volumes ?? []).flatMap(({ containerPath }, index) => {
    if (!seen.has(containerPath)) {
      seen.add(containerPath);
      return [];
    }
    return [error([...path, index, "container-path"], `is "${containerPath}" like that of a volume above it`)];
  });
}

const executorOptionsNeedItsImage: Rule = ({ form: { executor } }) => {
  if (executor === undefined || executor.image !== null) return [];
  const { forcePull, volumes } = executor;
  const without = "has no effect without executor.image: the executor is a process on the agent's host";
  return [
    ...(forcePull ? [warning(["executor", "forcePull"], without)] : []),
    ...(volumes.length > 0 ? [warning(["executor", "volumes"], without)] : []),
  ];
};

/** Brigade sets these for each run (the program's contract), over what the specification says. */
const environmentIsOurs: Rule = ({ form, given }) => {
  const [env, prefix] = given.has("extractor") ? [form.extractor?.env, ["extractor"]] : [form.env, []];
  return (env ?? []).flatMap(([name], index) =>
    name.startsWith("BRIGADE_")
      ? [warning([...prefix, "env", index], `sets "${name}": names that begin with BRIGADE_ are set by Brigade itself`)]
      : [],
  );
};

const backoffGrows: Rule = ({ form: { retry } }) =>
  retry !== undefined && retry["max-backoff"] < retry.backoff
    ? [
        error(
          ["retry", "max-backoff"],
          `is ${formatDuration(retry["max-backoff"])}, must be retry.backoff (${formatDuration(retry.backoff)}) or more`,
        ),
      ]
    : [];

/** One run's output must fit into what may be in flight, or that run could never be settled. */
const outputFits: Rule = ({ form }) => {
  const [room, output] = [form["max-in-flight"], form["max-output"]];
  return room !== undefined && output !== undefined && room < output
    ? [error(["max-in-flight"], `is ${formatSize(room)}, must be max-output (${formatSize(output)}) or more`)]
    : [];
};

const rules: readonly Rule[] = [
  hasProgram,
  oneFormOnly,
  notIntoItself,
  oneTopicForBoth,
  isolationFits,
  containerHasRoom,
  volumesNeedContainers,
  containerPathsDiffer,
  executorOptionsNeedItsImage,
  environmentIsOurs,
  backoffGrows,
  outputFits,
];

export function checkRules(checked: CheckedForm): readonly Finding[] {
  return rules.flatMap((rule) => rule(checked));
}
