import { dirname } from "node:path";
import { DEFAULT_DOCKER_HOST, unixSocketOf } from "../base/docker-host.ts";
import { DEFAULT_POLICY_FILE } from "../config/agent-policy.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import { agentFolderVariable, deploymentVariable } from "../engine/executor-wire.ts";
import type { ExecutorInfo, Volume } from "../mesos/types.ts";

export interface ExecutorOptions {
  readonly deployment: string;
  /** Shell command that starts `brigade executor` on an agent. */
  readonly executorCommand: string;
  /** Environment of every executor; that of a processor's `executor.env` wins. */
  readonly executorEnv: readonly (readonly [name: string, value: string])[];
}

/** Where an executor in a container sees the sandboxes of its agent. */
const AGENT_FOLDER = "/mnt/brigade/agent";
/**
 * From an executor's sandbox, `<work_dir>/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/<container>`, to
 * `<work_dir>/slaves/<agent>`. Mesos takes a relative host path from the sandbox, so that nobody here has to know the
 * agent's work_dir.
 */
const SANDBOX_TO_AGENT_FOLDER = "../../../../../..";

/** Folders that the environment of an executor may name, which it reads. */
const FOLDER_VARIABLES = ["DOCKER_CERT_PATH", "DOCKER_CONFIG"];

type ExecutorProcess = Pick<ExecutorInfo, "command"> & Partial<Pick<ExecutorInfo, "container">>;

/** How Mesos starts the executors of a processor: by a command on the agent's host, or from an image. */
export function executorProcess(spec: ProcessorSpec, options: ExecutorOptions): ExecutorProcess {
  const { container, env } = spec.executor;
  const variables = new Map([...options.executorEnv, ...env, [deploymentVariable, options.deployment]]);
  if (container === null)
    return { command: { shell: true, value: options.executorCommand, ...environment(variables) } };
  const needsDocker = spec.isolation !== "process";
  if (needsDocker) variables.set(agentFolderVariable, AGENT_FOLDER);
  const needed = [...readFolders(spec, variables), ...(needsDocker ? dockerVolumes(variables) : [])];
  return {
    // Arguments to the image's entrypoint.
    command: { shell: false, arguments: ["executor"], ...environment(variables) },
    container: {
      type: "DOCKER",
      volumes: [...needed, ...container.volumes],
      docker: {
        image: container.image,
        // The host's network: the agent may listen on an address that only the host reaches.
        network: "HOST",
        forcePullImage: container.forcePull,
        // Programs may leave processes to the container's first one, which has to be one that reaps them.
        ...(needsDocker ? {} : { parameters: [{ key: "init", value: "true" }] }),
      },
    },
  };
}

function environment(
  variables: ReadonlyMap<string, string>,
): Pick<NonNullable<ExecutorInfo["command"]>, "environment"> {
  return { environment: { variables: [...variables].map(([name, value]) => ({ name, value })) } };
}

/**
 * Folders of the host that an executor reads files from, at the same paths: its agent's policy, what its environment
 * names, secrets and credentials. Folders and not the files: Docker makes a folder of what is not there.
 */
function readFolders({ secrets, program }: ProcessorSpec, variables: ReadonlyMap<string, string>): Volume[] {
  const credentials = program.type === "image" ? program.container.credentials : undefined;
  const files = [...secrets.map(([, file]) => file), ...(credentials === undefined ? [] : [credentials])];
  const folders = [
    dirname(DEFAULT_POLICY_FILE),
    ...FOLDER_VARIABLES.flatMap((name) => variables.get(name) || []),
    // A file in the root folder stands for itself.
    ...files.map((file) => (dirname(file) === "/" ? file : dirname(file))),
  ];
  return [...new Set(folders)].map((folder) => samePath(folder, "RO"));
}

/**
 * What an executor needs that starts containers of its own, as siblings of its own one: the Engine's socket, and the
 * lock files by which all executors of an agent know which of them live (docs/concepts/promises.md, I9).
 */
function dockerVolumes(variables: ReadonlyMap<string, string>): Volume[] {
  const socket = unixSocketOf(variables.get("DOCKER_HOST") || DEFAULT_DOCKER_HOST);
  return [
    { hostPath: SANDBOX_TO_AGENT_FOLDER, containerPath: AGENT_FOLDER, mode: "RW" },
    ...(socket === undefined ? [] : [samePath(socket, "RW")]),
  ];
}

function samePath(path: string, mode: Volume["mode"]): Volume {
  return { hostPath: path, containerPath: path, mode };
}
