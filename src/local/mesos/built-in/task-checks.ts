import { assertNever } from "../../../base/errors.ts";
import type {
  CheckInfo,
  CheckStatusInfo,
  CheckTimes,
  CommandInfo,
  HealthCheck,
  TaskInfo,
} from "../../../mesos/types.ts";
import { healthCheckType } from "../health-check-type.ts";

const DELAY_S = 15;
const INTERVAL_S = 10;
const TIMEOUT_S = 20;
const GRACE_S = 10;
const CONSECUTIVE_FAILURES = 3;

/** A task may have one of each. */
export type CheckKind = "check" | "health";

/** What is to be looked at, where the task is. */
export type Probe =
  | { readonly type: "command"; readonly command: CommandInfo }
  | {
      readonly type: "http";
      readonly scheme: string;
      readonly host: Loopback;
      readonly port: number;
      readonly path: string;
    }
  | { readonly type: "tcp"; readonly host: Loopback; readonly port: number };

export type Loopback = "127.0.0.1" | "::1";

export type ProbeResult =
  | { readonly type: "command"; readonly exitCode: number }
  | { readonly type: "http"; readonly statusCode: number }
  | { readonly type: "tcp"; readonly succeeded: boolean }
  /** It could not be made, or took too long. */
  | { readonly type: "failed"; readonly reason: string };

export interface DueProbe {
  readonly kind: CheckKind;
  readonly probe: Probe;
  /** undefined: it may take as long as it likes. */
  readonly timeoutMs: number | undefined;
}

/** What the framework is to hear. */
export type CheckNews =
  | { readonly type: "check"; readonly checkStatus: CheckStatusInfo }
  | { readonly type: "health"; readonly healthy: boolean; readonly kill: boolean };

interface Periodic {
  readonly kind: CheckKind;
  readonly probe: Probe;
  readonly times: CheckTimes;
  /** undefined: it is being made. */
  dueMs: number | undefined;
}

/**
 * The check and the health check of a task that runs, as Mesos' checker library makes them: the first one after a delay,
 * each further one an interval after the end of the one before. Pure: what is due comes out, and what was found goes in.
 */
export class TaskChecks {
  readonly #task: TaskInfo;
  readonly #startMs: number;
  readonly #periodic: Periodic[] = [];
  #checkStatus: CheckStatusInfo;
  #failures = 0;
  #wasHealthy = false;
  #stopped = false;

  /** @param nowMs when the task came to run */
  constructor(task: TaskInfo, nowMs: number) {
    this.#task = task;
    this.#startMs = nowMs;
    this.#checkStatus = emptyCheckStatus(task.check);
    const probes = { check: checkProbe(task.check), health: healthProbe(task.healthCheck) };
    const times = { check: task.check, health: task.healthCheck };
    for (const kind of ["check", "health"] as const) {
      const [probe, own] = [probes[kind], times[kind]];
      if (probe === undefined || own === undefined) continue;
      this.#periodic.push({ kind, probe, times: own, dueMs: nowMs + ms(own.delaySeconds ?? DELAY_S) });
    }
  }

  get wakeAtMs(): number | undefined {
    if (this.#stopped) return undefined;
    const due = this.#periodic.flatMap(({ dueMs }) => dueMs ?? []);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** What is to be made now; the result of each is to be given to {@link probed}. */
  due(nowMs: number): readonly DueProbe[] {
    if (this.#stopped) return [];
    return this.#periodic
      .filter(({ dueMs }) => dueMs !== undefined && dueMs <= nowMs)
      .map((each) => {
        each.dueMs = undefined;
        const timeoutS = each.times.timeoutSeconds ?? TIMEOUT_S;
        return { kind: each.kind, probe: each.probe, timeoutMs: timeoutS === 0 ? undefined : ms(timeoutS) };
      });
  }

  probed(kind: CheckKind, result: ProbeResult, nowMs: number): CheckNews | undefined {
    const each = this.#periodic.find((one) => one.kind === kind);
    if (this.#stopped || each === undefined) return undefined;
    each.dueMs = nowMs + ms(each.times.intervalSeconds ?? INTERVAL_S);
    return kind === "check" ? this.#checked(result) : this.#looked(isWell(result), nowMs);
  }

  /** The task is being killed, or is over: nothing is due any more, and results count no longer. */
  stop(): void {
    this.#stopped = true;
  }

  #checked(result: ProbeResult): CheckNews | undefined {
    const checkStatus = { ...emptyCheckStatus(this.#task.check), ...foundBy(result) };
    if (JSON.stringify(checkStatus) === JSON.stringify(this.#checkStatus)) return undefined;
    this.#checkStatus = checkStatus;
    return { type: "check", checkStatus };
  }

  #looked(healthy: boolean, nowMs: number): CheckNews | undefined {
    const { gracePeriodSeconds = GRACE_S, consecutiveFailures = CONSECUTIVE_FAILURES } = this.#task.healthCheck ?? {};
    if (healthy) {
      const isNews = !this.#wasHealthy || this.#failures > 0;
      this.#wasHealthy = true;
      this.#failures = 0;
      return isNews ? { type: "health", healthy, kill: false } : undefined;
    }
    const inGrace = gracePeriodSeconds > 0 && nowMs - this.#startMs <= ms(gracePeriodSeconds);
    if (inGrace && !this.#wasHealthy) return undefined;
    this.#failures++;
    return { type: "health", healthy, kill: this.#failures >= consecutiveFailures };
  }
}

/** What every update of a task with a check carries, as long as nothing has been found. */
export function emptyCheckStatus(check: CheckInfo | undefined): CheckStatusInfo {
  const { type } = check ?? {};
  if (type === undefined) return {};
  return { type, ...(type === "COMMAND" ? { command: {} } : type === "HTTP" ? { http: {} } : { tcp: {} }) };
}

function foundBy(result: ProbeResult): Partial<CheckStatusInfo> {
  switch (result.type) {
    case "command":
      return { command: { exitCode: result.exitCode } };
    case "http":
      return { http: { statusCode: result.statusCode } };
    case "tcp":
      return { tcp: { succeeded: result.succeeded } };
    case "failed":
      return {};
    default:
      return assertNever(result);
  }
}

function isWell(result: ProbeResult): boolean {
  if (result.type === "command") return result.exitCode === 0;
  if (result.type === "http") return result.statusCode >= 200 && result.statusCode < 400;
  return result.type === "tcp" && result.succeeded;
}

function checkProbe({ type, command, http, tcp }: CheckInfo = {}): Probe | undefined {
  const host = "127.0.0.1";
  if (type === "COMMAND" && command !== undefined) return { type: "command", command: command.command };
  if (type === "HTTP" && http !== undefined) {
    return { type: "http", scheme: "http", host, port: http.port, path: http.path ?? "" };
  }
  return type === "TCP" && tcp !== undefined ? { type: "tcp", host, port: tcp.port } : undefined;
}

function healthProbe(health: HealthCheck | undefined): Probe | undefined {
  if (health === undefined) return undefined;
  const type = healthCheckType(health);
  const { command, http, tcp } = health;
  if (type === "COMMAND" && command !== undefined) return { type: "command", command };
  if (type === "HTTP" && http !== undefined) {
    const { scheme = "http", port, path = "", protocol } = http;
    return { type: "http", scheme, host: loopback(protocol), port, path };
  }
  return type === "TCP" && tcp !== undefined
    ? { type: "tcp", host: loopback(tcp.protocol), port: tcp.port }
    : undefined;
}

function loopback(protocol: "IPv4" | "IPv6" | undefined): Loopback {
  return protocol === "IPv6" ? "::1" : "127.0.0.1";
}

function ms(seconds: number): number {
  return seconds * 1000;
}
