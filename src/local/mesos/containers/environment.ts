import type { CommandInfo, ContainerId, TaskInfo } from "../../../mesos/types.ts";
import type { AgentSettings } from "../agent/agent-types.ts";
import { printDuration } from "../durations.ts";
import type { ContainerLaunch } from "./containerizer.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The sandbox as an executor sees it that runs in a container of Docker's. */
export const SANDBOX_IN_DOCKER = "/mnt/mesos/sandbox";

/** The whole environment of an executor: a PATH, the agent's flag, what the agent says, and the command's own, which wins. */
export function executorEnvironment(
  container: ContainerLaunch,
  settings: AgentSettings,
  sandbox: string,
): Record<string, string> {
  return {
    PATH,
    ...agentVariables(container, settings, sandbox),
    MESOS_SANDBOX: sandbox,
    ...commandEnvironment(container.executor.command),
  };
}

/** In a container of Docker's, on top of the image's: there the command's own loses, and there is no PATH. */
export function dockerExecutorEnvironment(
  container: ContainerLaunch,
  settings: AgentSettings,
  sandbox: string,
): Record<string, string> {
  return {
    ...commandEnvironment(container.executor.command),
    ...agentVariables(container, settings, sandbox),
    ...dockerVariables(container.containerId, container.task),
  };
}

/** What Mesos tells everything that it runs in a container of Docker's. */
export function dockerVariables(containerId: ContainerId, { resources = [] }: TaskInfo): Record<string, string> {
  const role = resources.find(({ allocationInfo }) => allocationInfo?.role !== undefined)?.allocationInfo?.role;
  return {
    MESOS_SANDBOX: SANDBOX_IN_DOCKER,
    MESOS_CONTAINER_NAME: dockerName(containerId),
    ...(role === undefined ? {} : { MESOS_ALLOCATION_ROLE: role }),
  };
}

export function dockerName(containerId: ContainerId): string {
  return `mesos-${containerId}`;
}

/** How a command is run as a process of this machine. */
export function argvOf(command: CommandInfo = {}): { program: string; args: string[]; argv0: string } {
  const { shell = true, value = "", arguments: argv = [] } = command;
  if (shell) return { program: "/bin/sh", args: ["-c", value], argv0: "sh" };
  return { program: value, args: argv.slice(1), argv0: argv[0] ?? value };
}

export function commandEnvironment(command: CommandInfo | undefined): Record<string, string> {
  const variables = command?.environment?.variables ?? [];
  return Object.fromEntries(variables.map(({ name, value }) => [name, value ?? ""]));
}

/** @param sandbox by its path on the host */
function agentVariables(
  { framework, frameworkId, executor, shutdownGraceMs }: ContainerLaunch,
  {
    id,
    endpoint,
    processName,
    recoveryTimeoutMs,
    executorReregistrationTimeoutMs,
    executorVariables = {},
  }: AgentSettings,
  sandbox: string,
): Record<string, string> {
  const address = `${endpoint.ip ?? endpoint.hostname ?? "127.0.0.1"}:${endpoint.port}`;
  return {
    ...executorVariables,
    LIBPROCESS_IP: endpoint.ip ?? "127.0.0.1",
    LIBPROCESS_PORT: "0",
    MESOS_AGENT_ENDPOINT: address,
    MESOS_CHECKPOINT: framework.checkpoint === true ? "1" : "0",
    MESOS_DIRECTORY: sandbox,
    MESOS_EXECUTOR_ID: executor.executorId,
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: printDuration(shutdownGraceMs),
    MESOS_FRAMEWORK_ID: frameworkId,
    MESOS_HTTP_COMMAND_EXECUTOR: "1",
    MESOS_SLAVE_ID: id,
    MESOS_SLAVE_PID: `${processName}@${address}`,
    ...(framework.checkpoint === true
      ? {
          MESOS_RECOVERY_TIMEOUT: printDuration(recoveryTimeoutMs),
          MESOS_SUBSCRIPTION_BACKOFF_MAX: printDuration(executorReregistrationTimeoutMs),
        }
      : {}),
  };
}
