import * as v from "valibot";
import { InputError } from "../base/errors.ts";
import { type AgentPolicy } from "./agent-policy.ts";
import { capability, network } from "./container-kinds.ts";
import { childPath, JsonSyntaxError, parseJsonSource } from "./json-source.ts";
import { absolutePath, described, flag, type Reader } from "./schema-kinds.ts";
import { list, section } from "./schema-shapes.ts";

/* The file with an agent's policy. Messages and the reference (docs/reference/agent.md) come from this schema. */

export const agentPolicyForm = section({
  privileged: v.optional(
    described(flag(), "Whether containers may be `privileged`: then they are root on the host."),
    false,
  ),
  processes: v.optional(
    described(
      flag(),
      "Whether plain commands may run (isolation `process`). They have the rights of the executor's user, which may use " +
        "Docker's socket: where the lists below are to be a wall, this is false.",
    ),
    true,
  ),
  volumes: v.optional(
    described(paths(), "Folders of the host: volumes must lie in one of them, links followed. Absent: anywhere."),
  ),
  devices: v.optional(described(paths(), "Devices, or folders of them, that containers may get. Absent: any.")),
  capabilities: v.optional(
    described(list(capability(), "an array of capabilities"), "What `cap-add` may name. Absent: any."),
  ),
  networks: v.optional(
    described(
      list(network(), "an array of networks"),
      "What `network` may name; where it is absent in the processor file, the Engine's own is always allowed. Absent: any.",
    ),
  ),
  secrets: v.optional(
    described(
      paths(),
      "Folders of the host: the files of `secrets` and `container.credentials` must lie in one of them, links followed. " +
        "Absent: anywhere.",
    ),
  ),
});

function paths(): Reader<readonly string[]> {
  return list(absolutePath(), "an array of absolute paths");
}

/** @throws {InputError} with every mistake in it */
export function parseAgentPolicy(text: string, file: string): AgentPolicy {
  const fail = (what: string): never => {
    throw new InputError(`Cannot use the agent's policy ${file}: ${what}`);
  };
  const result = v.safeParse(agentPolicyForm, read(text, fail));
  if (!result.success) {
    const problems = result.issues.map(({ path = [], message }) => {
      const at = path.map(({ key }) => key as string | number).reduce<string>(childPath, "$");
      return `${at.replace(/^\$\.?/, "") || "it"} ${message}`;
    });
    return fail(problems.join("; "));
  }
  const { output } = result;
  return {
    privileged: output.privileged,
    processes: output.processes,
    volumes: output.volumes ?? null,
    devices: output.devices ?? null,
    capabilities: output.capabilities ?? null,
    networks: output.networks ?? null,
    secrets: output.secrets ?? null,
  };
}

function read(text: string, fail: (what: string) => never): unknown {
  try {
    const { value, repeated } = parseJsonSource(text);
    const [first] = repeated;
    return first === undefined ? value : fail(`${first.path} appears more than once`);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const { line, column } = error.position;
    return fail(`not JSON: ${error.message} (line ${line}, column ${column})`);
  }
}
