import { type ContainerSpec, ownLabelPrefix } from "./container.ts";
import type { VolumeSpec } from "./processor.ts";
import { type CheckedForm, error, type Finding, type Rule, warning } from "./rule.ts";

/* What must hold between the fields of a processor that runs in containers. */

/** The Engine's own limit ("Minimum memory limit allowed is 6MB"). */
const MIN_CONTAINER_MB = 6;

function hasImage({ given }: CheckedForm): boolean {
  return given.has("docker") || given.has("extractor");
}

/** The isolation that will be used, as far as the form tells. */
function isContainer(checked: CheckedForm): boolean {
  return checked.form.isolation === undefined ? hasImage(checked) : checked.form.isolation !== "process";
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

const optionsNeedAnImage: Rule = (checked) =>
  checked.given.has("container") && !hasImage(checked)
    ? [error(["container"], "is given although there is no image, must not be", "docker names the image")]
    : [];

interface Place {
  readonly at: string;
  readonly kind: "volume" | "tmpfs";
  readonly path: Finding["path"];
}

/** Docker would let one of the two win. */
const containerPathsDiffer: Rule = ({ form, given }) => [
  ...repeated([
    ...(given.has("extractor")
      ? volumePlaces(form.extractor?.volumes, ["extractor", "volumes"])
      : volumePlaces(form.volumes, ["volumes"])),
    ...tmpfsPlaces(form.container?.tmpfs),
  ]),
  ...repeated(volumePlaces(form.executor?.volumes, ["executor", "volumes"])),
];

function volumePlaces(volumes: readonly VolumeSpec[] = [], path: Finding["path"]): Place[] {
  return volumes.map(({ containerPath: at }, index) => ({
    at,
    kind: "volume",
    path: [...path, index, "container-path"],
  }));
}

function tmpfsPlaces(tmpfs: ContainerSpec["tmpfs"] = []): Place[] {
  return tmpfs.map(([at], index) => ({ at, kind: "tmpfs", path: ["container", "tmpfs", index] }));
}

function repeated(places: readonly Place[]): Finding[] {
  const first = new Map<string, Place>();
  return places.flatMap((place) => {
    const earlier = first.get(place.at);
    if (earlier !== undefined) return [error(place.path, `is "${place.at}" like that of a ${earlier.kind} above it`)];
    first.set(place.at, place);
    return [];
  });
}

const oneSetOfArguments: Rule = ({ form, given }) =>
  form.container?.arguments !== undefined && given.has("command")
    ? [error(["container", "arguments"], "stands beside command, which is the same: must replace it or go")]
    : [];

const somethingRuns: Rule = ({ form, given }) => {
  const { entrypoint, arguments: args = [] } = form.container ?? {};
  return entrypoint?.length === 0 && args.length === 0 && !given.has("command")
    ? [error(["container", "entrypoint"], "is [], which leaves no program, must have command beside it")]
    : [];
};

const pullsAgree: Rule = ({ form }) =>
  form.extractor?.forcePull === true && form.container?.pull !== undefined && form.container.pull !== "always"
    ? [
        error(
          ["container", "pull"],
          `is "${form.container.pull}" although extractor.forcePull is true, must be "always"`,
        ),
      ]
    : [];

const limitsAreOrdered: Rule = ({ form }) =>
  (form.container?.ulimits ?? []).flatMap(({ name, soft, hard }) =>
    hard !== -1 && (soft === -1 || soft > hard)
      ? [error(["container", "ulimits", name, "soft"], `is ${soft}, must be hard (${hard}) or less`)]
      : [],
  );

/** By these labels executors find, and remove, what was left behind. */
const labelsAreTheUsers: Rule = ({ form }) =>
  (form.container?.labels ?? []).flatMap(([name]) =>
    name.startsWith(ownLabelPrefix)
      ? [error(["container", "labels", name], `is Brigade's own: must not begin with ${ownLabelPrefix}`)]
      : [],
  );

export const containerRules: readonly Rule[] = [
  containerHasRoom,
  volumesNeedContainers,
  optionsNeedAnImage,
  containerPathsDiffer,
  oneSetOfArguments,
  somethingRuns,
  pullsAgree,
  limitsAreOrdered,
  labelsAreTheUsers,
];
