import type { AgentSettings } from "../../../src/local/mesos/agent/agent-types.ts";
import type { AgentId, Resource } from "../../../src/mesos/types.ts";

const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });

/** Of an agent that is a core alone. */
export const agentSettings: AgentSettings = {
  id: "m-S0" as AgentId,
  info: {
    id: "m-S0" as AgentId,
    hostname: "127.0.0.1",
    port: 5051,
    resources: [
      scalar("cpus", 4),
      scalar("mem", 2048),
      { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31_000, end: 31_099 }] } },
    ],
  },
  endpoint: { hostname: "127.0.0.1", ip: "127.0.0.1", port: 5051 },
  processName: "slave(1)",
  builtInExecutor: ["mesos-executor"],
  executorRegistrationTimeoutMs: 60_000,
  executorReregistrationTimeoutMs: 2000,
  executorShutdownGraceMs: 5000,
  recoveryTimeoutMs: 900_000,
  startedMs: 0,
  masterHostname: "localhost",
  workDir: "/nonexistent/work",
};
