import { InputError } from "../base/errors.ts";
import { type HostPort, parseHostPort } from "./host-port.ts";
import type { AgentId, ExecutorId, FrameworkId } from "./types.ts";

/** What an agent tells its executor by environment variables. */
export interface ExecutorEnvironment {
  readonly frameworkId: FrameworkId;
  readonly executorId: ExecutorId;
  readonly agentId: AgentId | undefined;
  readonly agent: HostPort;
  /** `/slave(1)/api/v1/executor`: the number counts the agents in one process. */
  readonly apiPath: string;
  /** The sandbox as the executor sees it. */
  readonly sandbox: string | undefined;
  /** The sandbox by its path on the agent's host: another one where the executor runs in a container. */
  readonly hostSandbox: string | undefined;
  /** Whether executor and tasks outlive a restart of the agent. */
  readonly checkpoint: boolean;
  /** How long to look for a lost agent; 0 without checkpoint. */
  readonly recoveryTimeoutMs: number;
  /** Longest pause between two tries. */
  readonly subscriptionBackoffMaxMs: number;
  /** From SHUTDOWN to SIGKILL. */
  readonly shutdownGracePeriodMs: number;
  /** JWT for every request, where the agent demands one. A secret: not for programs, not for logs. */
  readonly authenticationToken: string | undefined;
}

/** Variables that no program started by the executor should see. */
export const secretVariables: readonly string[] = ["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"];

/** Agent flag executor_shutdown_grace_period. */
const DEFAULT_GRACE_MS = 5000;
/** Agent flag recovery_timeout. */
const DEFAULT_RECOVERY_MS = 15 * 60_000;
/** EXECUTOR_REREGISTRATION_TIMEOUT, from which agents derive it. */
const DEFAULT_BACKOFF_MS = 2000;

/**
 * @param variables the process environment
 * @throws {InputError} a variable is missing or is not what an agent writes
 * @see apache/mesos docs/executor-http-api.md, and for the variables src/slave/slave.cpp (executorEnvironment)
 */
export function readExecutorEnvironment(variables: Readonly<Record<string, string | undefined>>): ExecutorEnvironment {
  const checkpoint = variables["MESOS_CHECKPOINT"] === "1";
  const duration = (name: string, fallbackMs: number): number => {
    const text = variables[name];
    return text === undefined ? fallbackMs : readDuration(name, text);
  };
  return {
    frameworkId: required(variables, "MESOS_FRAMEWORK_ID") as FrameworkId,
    executorId: required(variables, "MESOS_EXECUTOR_ID") as ExecutorId,
    agentId: variables["MESOS_SLAVE_ID"] as AgentId | undefined,
    ...readPid(required(variables, "MESOS_SLAVE_PID"), variables["MESOS_AGENT_ENDPOINT"]),
    sandbox: variables["MESOS_SANDBOX"] ?? variables["MESOS_DIRECTORY"],
    hostSandbox: variables["MESOS_DIRECTORY"] ?? variables["MESOS_SANDBOX"],
    checkpoint,
    recoveryTimeoutMs: checkpoint ? duration("MESOS_RECOVERY_TIMEOUT", DEFAULT_RECOVERY_MS) : 0,
    subscriptionBackoffMaxMs: duration("MESOS_SUBSCRIPTION_BACKOFF_MAX", DEFAULT_BACKOFF_MS),
    shutdownGracePeriodMs: duration("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", DEFAULT_GRACE_MS),
    authenticationToken: variables["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"],
  };
}

function required(variables: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = variables[name];
  if (value === undefined || value === "") {
    throw new InputError(`Cannot start as an executor: ${name} is not set, must be (a Mesos agent starts executors)`);
  }
  return value;
}

/** `slave(1)@10.0.0.1:5051`; the endpoint variable says the same address and is there since Mesos 1.0. */
function readPid(pid: string, endpoint: string | undefined): { readonly agent: HostPort; readonly apiPath: string } {
  const at = pid.indexOf("@");
  const agent = parseHostPort(endpoint ?? pid.slice(at + 1));
  const process = pid.slice(0, Math.max(at, 0));
  if (agent === undefined || !/^[\w().-]+$/.test(process)) {
    throw new InputError(`Cannot start as an executor: MESOS_SLAVE_PID is ${pid}, must be like slave(1)@10.0.0.1:5051`);
  }
  return { agent, apiPath: `/${process}/api/v1/executor` };
}

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  secs: 1000,
  mins: 60_000,
  hrs: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
};

/** Mesos' own form: one number and one unit, `1.5mins`. */
function readDuration(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text);
  const unitMs = unitsMs[match?.[2] ?? ""];
  if (unitMs === undefined) {
    throw new InputError(`Cannot start as an executor: ${name} is ${text}, must be a duration like 2secs`);
  }
  return Number(match?.[1]) * unitMs;
}
