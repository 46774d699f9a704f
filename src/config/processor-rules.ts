import { formatDuration } from "../base/duration.ts";
import { formatSize } from "../base/size.ts";
import { containerRules } from "./container-rules.ts";
import { environmentRules } from "./environment-rules.ts";
import { isolationRules } from "./isolation-rules.ts";
import { type CheckedForm, error, type Finding, type Rule, warning } from "./rule.ts";

/*
 * What must hold between the fields of one processor. Each rule sees the fields that are right by themselves, so that a
 * mistake in one does not hide a mistake between two others.
 */

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

/** Where executors find what is Brigade's or Mesos': whoever puts something else there puts the executor itself aside. */
const ownFolders = /^\/(etc\/brigade|mnt\/brigade|mnt\/mesos)(\/|$)/;

const executorKeepsItsFolders: Rule = ({ form: { executor } }) =>
  (executor?.volumes ?? []).flatMap(({ containerPath }, index) =>
    ownFolders.test(containerPath)
      ? [error(["executor", "volumes", index, "container-path"], `is "${containerPath}", which is the executor's own`)]
      : [],
  );

const executorOptionsNeedItsImage: Rule = ({ form: { executor } }) => {
  if (executor === undefined || executor.image !== null) return [];
  const { forcePull, volumes } = executor;
  const without = "has no effect without executor.image: the executor is a process on the agent's host";
  return [
    ...(forcePull ? [warning(["executor", "forcePull"], without)] : []),
    ...(volumes.length > 0 ? [warning(["executor", "volumes"], without)] : []),
  ];
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
  ...isolationRules,
  ...containerRules,
  executorKeepsItsFolders,
  executorOptionsNeedItsImage,
  ...environmentRules,
  backoffGrows,
  outputFits,
];

export function checkRules(checked: CheckedForm): readonly Finding[] {
  return rules.flatMap((rule) => rule(checked));
}
