import type { CheckTimes, CommandInfo, TaskInfo } from "../../../mesos/types.ts";
import { healthCheckType } from "../health-check-type.ts";

/*
 * Checks and health checks of tasks as a master looks at them. What becomes of them is the executor's.
 */

interface Timed extends CheckTimes {
  readonly gracePeriodSeconds?: number;
}

interface Http {
  readonly path?: string;
  readonly scheme?: string;
}

/** @param commandProblem what is wrong with a command in itself */
export function checkProblem(
  task: TaskInfo,
  commandProblem: (owner: string, command: CommandInfo) => string | undefined,
): string | undefined {
  const { check, healthCheck } = task;
  if (check !== undefined) {
    const { command, ...rest } = check;
    const what = { ...rest, command: command?.command, name: "CheckInfo", kind: "check" };
    const problem = anyProblem(what, commandProblem);
    if (problem !== undefined) return `Task uses invalid check: ${problem}`;
  }
  if (healthCheck !== undefined) {
    const what = { ...healthCheck, type: healthCheckType(healthCheck), name: "HealthCheck", kind: "health check" };
    const problem = anyProblem(what, commandProblem);
    if (problem !== undefined) return `Task uses invalid health check: ${problem}`;
  }
  return undefined;
}

interface AnyCheck extends Timed {
  readonly type?: string | undefined;
  readonly command?: CommandInfo | undefined;
  readonly http?: Http | undefined;
  readonly tcp?: object | undefined;
  readonly name: string;
  readonly kind: string;
}

function anyProblem(
  check: AnyCheck,
  commandProblem: (owner: string, command: CommandInfo) => string | undefined,
): string | undefined {
  const { type, command, http, tcp, name, kind } = check;
  const capitalKind = kind.replace(/^./, (letter) => letter.toUpperCase());
  switch (type) {
    case undefined:
      return `${name} must specify 'type'`;
    case "COMMAND": {
      if (command === undefined) return `Expecting 'command' to be set for COMMAND ${kind}`;
      if (command.value === undefined) {
        return `Command ${kind} must contain ${command.shell === false ? "'executable path'" : "'shell command'"}`;
      }
      const problem = commandProblem(capitalKind, command);
      if (problem !== undefined) return problem;
      break;
    }
    case "HTTP": {
      if (http === undefined) return `Expecting 'http' to be set for HTTP ${kind}`;
      const { scheme, path } = http;
      if (scheme !== undefined && scheme !== "http" && scheme !== "https") {
        return `Unsupported HTTP ${kind} scheme: '${scheme}'`;
      }
      if (path?.startsWith("/") === false) return `The path '${path}' of HTTP ${kind} must start with '/'`;
      break;
    }
    case "TCP":
      if (tcp === undefined) return `Expecting 'tcp' to be set for TCP ${kind}`;
      break;
    default:
      return `'${type}' is not a valid ${kind} type`;
  }
  return timesProblem(check);
}

function timesProblem({
  delaySeconds,
  gracePeriodSeconds,
  intervalSeconds,
  timeoutSeconds,
}: Timed): string | undefined {
  const times = {
    delay_seconds: delaySeconds,
    grace_period_seconds: gracePeriodSeconds,
    interval_seconds: intervalSeconds,
    timeout_seconds: timeoutSeconds,
  };
  const negative = Object.entries(times).find(([, seconds]) => (seconds ?? 0) < 0);
  return negative === undefined ? undefined : `Expecting '${negative[0]}' to be non-negative`;
}
