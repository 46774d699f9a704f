import { type CheckedForm, error, type Rule, warning } from "./rule.ts";

/* What must hold for the environments of programs and executors. */

function environmentOf({ form, given }: CheckedForm): {
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly path: readonly string[];
} {
  return given.has("extractor")
    ? { env: form.extractor?.env ?? [], path: ["extractor", "env"] }
    : { env: form.env ?? [], path: ["env"] };
}

/** Brigade sets these for each run (the program's contract), over what the specification says. */
const environmentIsOurs: Rule = (checked) => {
  const { env, path } = environmentOf(checked);
  return env.flatMap(([name], index) =>
    name.startsWith("BRIGADE_")
      ? [warning([...path, index], `sets "${name}": names that begin with BRIGADE_ are set by Brigade itself`)]
      : [],
  );
};

const secretsHaveTheirNames: Rule = (checked) => {
  const { env, path } = environmentOf(checked);
  const names = new Set(env.map(([name]) => name));
  return (checked.form.secrets ?? []).flatMap(([name]) => {
    if (names.has(name))
      return [error(["secrets", name], `is set by ${path.join(".")} as well, must be set by one of them`)];
    if (name.startsWith("BRIGADE_"))
      return [error(["secrets", name], "must not begin with BRIGADE_, which is Brigade's own")];
    return [];
  });
};

/**
 * Variables by which whoever starts a program makes it run other code than its own. An executor has the rights of the
 * user that it runs as, and keeps what the agent's policy says: whoever writes a processor file must not be able to
 * replace it.
 */
const takesOver =
  /^(LD_|DYLD_|BUN_|NODE_|MESOS_(?!NATIVE_)|LIBPROCESS_|BRIGADE_)|^(GCONV_PATH|GLIBC_TUNABLES|BASH_ENV|ENV|IFS|PATH|SHELLOPTS|PS4)$|[%()]/;

const executorStaysItself: Rule = ({ form }) =>
  (form.executor?.env ?? []).flatMap(([name], index) =>
    takesOver.test(name)
      ? [
          error(
            ["executor", "env", index],
            `sets "${name}", which could replace the executor itself, must not be set here`,
          ),
        ]
      : [],
  );

export const environmentRules: readonly Rule[] = [environmentIsOurs, secretsHaveTheirNames, executorStaysItself];
