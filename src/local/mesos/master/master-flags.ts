import { printDuration } from "../durations.ts";
import type { MasterSettings } from "./master-state.ts";

/** What a real master would have been started with to behave as this one does; those flags that say something of it. */
export function masterFlags(settings: MasterSettings): Readonly<Record<string, string>> {
  const { masterInfo, allocationIntervalMs, agentPingTimeoutMs, maxAgentPingTimeouts } = settings;
  const { agentReregisterTimeoutMs, offerTimeoutMs, credentials } = settings;
  return {
    agent_ping_timeout: printDuration(agentPingTimeoutMs),
    agent_reregister_timeout: printDuration(agentReregisterTimeoutMs),
    allocation_interval: printDuration(allocationIntervalMs),
    authenticate_http_frameworks: String(credentials !== undefined),
    authenticate_http_readonly: String(settings.authenticateReadonly),
    hostname: masterInfo.hostname ?? "",
    ip: masterInfo.address?.ip ?? "",
    max_agent_ping_timeouts: String(maxAgentPingTimeouts),
    max_completed_frameworks: "50",
    max_completed_tasks_per_framework: "1000",
    max_unreachable_tasks_per_framework: "1000",
    min_allocatable_resources: "cpus:0.01|mem:32",
    ...(offerTimeoutMs === undefined ? {} : { offer_timeout: printDuration(offerTimeoutMs) }),
    port: String(masterInfo.port),
    registry: "in_memory",
    root_submissions: "true",
  };
}
