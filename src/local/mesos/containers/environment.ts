import type { CommandInfo } from "../../../mesos/types.ts";
import type { AgentSettings } from "../agent/agent-types.ts";
import { printDuration } from "../durations.ts";
import type { ContainerLaunch } from "./containerizer.ts";

const RECOVERY_TIMEOUT = "15mins";
const SUBSCRIPTION_BACKOFF_MAX = "2secs";
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The whole environment of an executor: a PATH, the agent's flag, what the agent says, and the command's own, which wins. */
export function executorEnvironment(
  { framework, frameworkId, executor, shutdownGraceMs }: ContainerLaunch,
  { id, endpoint, processName, executorVariables = {} }: AgentSettings,
  sandbox: string,
): Record<string, string> {
  const address = `${endpoint.ip ?? endpoint.hostname ?? "127.0.0.1"}:${endpoint.port}`;
  return {
    PATH,
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
      ? { MESOS_RECOVERY_TIMEOUT: RECOVERY_TIMEOUT, MESOS_SUBSCRIPTION_BACKOFF_MAX: SUBSCRIPTION_BACKOFF_MAX }
      : {}),
    MESOS_SANDBOX: sandbox,
    ...commandEnvironment(executor.command),
  };
}

function commandEnvironment(command: CommandInfo | undefined): Record<string, string> {
  const variables = command?.environment?.variables ?? [];
  return Object.fromEntries(variables.map(({ name, value }) => [name, value ?? ""]));
}
