import { DEFAULT_MAX_USES } from "./processor-form.ts";
import { type CheckedForm, error, type Rule, warning } from "./rule.ts";

/* How messages may meet a program, and what goes with each way. */

function hasImage({ given }: CheckedForm): boolean {
  return given.has("docker") || given.has("extractor");
}

const isolationFits: Rule = (checked) => {
  const { isolation } = checked.form;
  if (isolation === undefined) return [];
  if (isolation === "process" && hasImage(checked)) {
    return [error(["isolation"], 'is "process" although there is an image, must be "container" or "exec"')];
  }
  if (isolation !== "process" && !hasImage(checked)) {
    const message = `is "${isolation}" although there is no image, must be "process"`;
    return [error(["isolation"], message, "docker names the image")];
  }
  return [];
};

const warmNeedsContainers: Rule = (checked) => {
  const { warm = 0, isolation = hasImage(checked) ? "container" : "process" } = checked.form;
  return warm > 0 && isolation !== "container"
    ? [error(["warm"], `is ${warm} in ${isolation} isolation, must be 0: only containers are made ahead of messages`)]
    : [];
};

/** They were started before, and nothing can change the environment of a program that runs. */
const warmKnowsNoRecord: Rule = ({ form: { warm = 0 } }) =>
  warm > 0
    ? [
        warning(
          ["warm"],
          `is ${warm}: programs that have started before their message see nothing of it but its value, none of the ` +
            "variables BRIGADE_TOPIC, _PARTITION, _OFFSET, _TIMESTAMP, _ATTEMPT, _RECORD_ID, _KEY, _HEADERS and _NULL",
        ),
      ]
    : [];

const usesNeedExec: Rule = ({ form: { isolation, "max-uses": maxUses = DEFAULT_MAX_USES } }) =>
  maxUses !== DEFAULT_MAX_USES && isolation !== "exec"
    ? [warning(["max-uses"], 'has no effect but in isolation "exec", where a container has many messages')]
    : [];

export const isolationRules: readonly Rule[] = [isolationFits, warmNeedsContainers, warmKnowsNoRecord, usesNeedExec];
