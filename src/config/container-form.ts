import * as v from "valibot";
import { isJsonObject } from "../base/json.ts";
import type { ContainerSpec, UlimitSpec } from "./container.ts";
import {
  address,
  capability,
  device,
  extraHost,
  gpus,
  hostname,
  limit,
  network,
  program,
  texts,
  tmpfs,
  ulimitNames,
  user,
} from "./container-kinds.ts";
import { absolutePath, described, flag, kind, oneOf, type Reader, size } from "./schema-kinds.ts";
import { either, list, section, table } from "./schema-shapes.ts";

/*
 * The section `container` of a processor: Docker's options, under the names that Docker Compose has for them, with
 * hyphens. What concerns several of them at once stands in container-rules.ts.
 */

const MAX_SHM_BYTES = 1024 ** 4;

export interface ContainerForm extends Omit<ContainerSpec, "pull"> {
  /** undefined: the default, which the dev branch's `forcePull` may change. */
  readonly pull?: ContainerSpec["pull"];
  readonly arguments?: readonly string[];
}

const bothLimits: Reader<Omit<UlimitSpec, "name">> = v.pipe(
  limit(),
  v.transform((both) => ({ soft: both, hard: both })),
);

const softAndHard: Reader<Omit<UlimitSpec, "name">> = section({
  soft: described(limit(), "What the program meets; it may raise it up to `hard`."),
  hard: described(limit(), "What nobody in the container can exceed."),
});

const ulimit = either(
  [bothLimits, softAndHard],
  (input) => (isJsonObject(input) ? softAndHard : bothLimits),
  'a whole number (-1 for no limit), or {"soft", "hard"}',
);

const ulimits: Reader<readonly UlimitSpec[]> = v.pipe(
  table(ulimit, {
    expects: 'an object of limits, such as {"nofile": 4096}',
    name: new RegExp(`^(${ulimitNames.join("|")})$`),
    nameExpects: `one of ${ulimitNames.join(", ")}`,
  }),
  v.transform((entries) => entries.map(([name, { soft, hard }]) => ({ name, soft, hard }))),
);

const labelValue = kind<string>({ expects: "text", jsonSchema: { type: "string" } }, (input) =>
  typeof input === "string" && !input.includes("\0") ? input : undefined,
);

const labels = table(labelValue, {
  expects: 'an object of labels, such as {"team": "maps"}',
  name: /^[^\s=\0]+$/,
  nameExpects: 'a name without blanks and "="',
});

const options = section({
  pull: v.optional(
    described(
      oneOf(["if-missing", "always", "never"]),
      "When the image is pulled: if it is not on the agent (the default), before each run, or never.",
    ),
  ),
  credentials: v.optional(
    described(
      absolutePath(),
      "A file on the agent in the form of Docker's config.json, with the registry's credentials. Default: that of the " +
        "executor's user.",
    ),
  ),
  entrypoint: v.optional(
    described(program(), "The program, in place of the image's entrypoint and command. []: `command` is the program."),
  ),
  arguments: v.optional(described(texts(), "The arguments to the entrypoint: as `command` as an array.")),
  user: v.optional(described(user(), "Who runs the program. Default: as the image says, or root.")),
  workdir: v.optional(described(absolutePath(), "Where the program starts. It is made if it is not there.")),
  network: v.optional(described(network(), "The network. Default: the Engine's, which is `bridge` as a rule.")),
  hostname: v.optional(described(hostname(), "The container's host name. Default: its id.")),
  "extra-hosts": v.optional(
    described(list(extraHost(), 'an array of "name:address"'), "Host names that the container knows besides."),
  ),
  dns: v.optional(described(list(address(), "an array of IP addresses"), "Name servers, in place of the Engine's.")),
  labels: v.optional(described(labels, "Labels of the container, besides Brigade's own.")),
  "read-only": v.optional(described(flag(), "Whether the image's files cannot be changed."), false),
  tmpfs: v.optional(
    described(list(tmpfs(), 'an array of "path" or "path:options"'), "Folders in memory, which count as such."),
  ),
  "shm-size": v.optional(
    described(
      size({ minBytes: 1, maxBytes: MAX_SHM_BYTES, range: "at least 1 byte and at most 1 TiB" }),
      "The size of /dev/shm. Default: 64 MiB.",
    ),
  ),
  ulimits: v.optional(described(ulimits, "Limits of the kernel, by their names in setrlimit(2), in lower case.")),
  "cap-add": v.optional(
    described(list(capability(), "an array of capabilities"), "Capabilities besides Docker's own choice."),
  ),
  "cap-drop": v.optional(
    described(list(capability(), "an array of capabilities"), "Capabilities that the container does not get."),
  ),
  devices: v.optional(
    described(list(device(), 'an array of "device", "device:path" or "device:path:rwm"'), "Devices of the host."),
  ),
  gpus: v.optional(described(gpus(), "GPUs of the host, which needs NVIDIA's runtime there.")),
  privileged: v.optional(
    described(flag(), "All devices and capabilities. Refused by an agent whose policy does not allow it."),
    false,
  ),
});

/** Without what says nothing. */
function given<T extends object>(values: T): { readonly [K in keyof T]?: Exclude<T[K], undefined | false> } {
  const says = (value: unknown): boolean =>
    value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(values).filter(([, value]) => says(value))) as {
    readonly [K in keyof T]?: Exclude<T[K], undefined | false>;
  };
}

export const containerForm: Reader<ContainerForm> = v.pipe(
  options,
  v.transform((form) => ({
    ...given({
      pull: form.pull,
      credentials: form.credentials,
      arguments: form.arguments,
      user: form.user,
      workdir: form.workdir,
      network: form.network,
      hostname: form.hostname,
      extraHosts: form["extra-hosts"],
      dns: form.dns,
      labels: form.labels,
      readOnly: form["read-only"],
      tmpfs: form.tmpfs,
      shmBytes: form["shm-size"],
      ulimits: form.ulimits,
      capAdd: form["cap-add"],
      capDrop: form["cap-drop"],
      devices: form.devices,
      gpus: form.gpus,
      privileged: form.privileged,
    }),
    // Without entries it does say something.
    ...(form.entrypoint === undefined ? {} : { entrypoint: form.entrypoint }),
  })),
);
