import { printDuration } from "../durations.ts";
import type { AgentSettings } from "./agent-types.ts";

/** What a real agent would have been started with to behave as this one does; those flags that say something of it. */
export function agentFlags(settings: AgentSettings): Readonly<Record<string, string>> {
  const { info, endpoint, workDir } = settings;
  return {
    executor_registration_timeout: printDuration(settings.executorRegistrationTimeoutMs),
    executor_reregistration_timeout: printDuration(settings.executorReregistrationTimeoutMs),
    executor_shutdown_grace_period: printDuration(settings.executorShutdownGraceMs),
    hostname: info.hostname,
    http_command_executor: "true",
    ip: endpoint.ip ?? "",
    isolation: "posix/cpu,posix/mem,filesystem/posix",
    launcher: "posix",
    port: String(endpoint.port),
    recover: "reconnect",
    work_dir: workDir,
  };
}
