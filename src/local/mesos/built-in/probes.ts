import { spawn } from "node:child_process";
import { connect } from "node:net";
import type { Clock } from "../../../base/clock.ts";
import { describeError } from "../../../base/errors.ts";
import type { CommandInfo } from "../../../mesos/types.ts";
import { argvOf, commandEnvironment } from "../containers/environment.ts";
import type { UserIds } from "../containers/users.ts";
import { signalGroup } from "./process-groups.ts";
import type { DueProbe, Probe, ProbeResult } from "./task-checks.ts";

/** Where a task runs, as far as one that looks at it has to know. */
export interface ProbedPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Default: the executor's own. */
  readonly user: UserIds | undefined;
}

/** Looks at a task that is a process of this machine, within its time. Never rejects. */
export function makeProbe({ probe, timeoutMs }: DueProbe, place: ProbedPlace, clock: Clock): Promise<ProbeResult> {
  return withinTime(timeoutMs, clock, (signal) =>
    probe.type === "command" ? runCommand(probe.command, place, signal) : askOverNetwork(probe, probe.host, signal),
  );
}

/** @param look is given up by its signal, and may reject: either is a probe that could not be made */
export async function withinTime(
  timeoutMs: number | undefined,
  clock: Clock,
  look: (signal: AbortSignal) => Promise<ProbeResult>,
): Promise<ProbeResult> {
  const abort = new AbortController();
  const late = (): void => abort.abort(new Error(`nothing was found within ${(timeoutMs ?? 0) / 1000} s`));
  const cancel = timeoutMs === undefined ? undefined : clock.schedule(timeoutMs, late);
  const aborted = new Promise<never>((_, reject) => {
    abort.signal.addEventListener("abort", () => reject(abort.signal.reason), { once: true });
  });
  try {
    return await Promise.race([look(abort.signal), aborted]);
  } catch (error) {
    return { type: "failed", reason: describeError(error) };
  } finally {
    cancel?.();
  }
}

/** @param host where it listens */
export function askOverNetwork(
  probe: Exclude<Probe, { type: "command" }>,
  host: string,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return probe.type === "http" ? askHttp(probe, host, signal) : askTcp(probe.port, host, signal);
}

/** As `curl -L -k`: whoever answers in the end, whatever it shows for a certificate. */
async function askHttp(
  { scheme, port, path }: Extract<Probe, { type: "http" }>,
  host: string,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const url = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}${path}`;
  const init = { signal, timeout: false, keepalive: false, tls: { rejectUnauthorized: false } };
  const answer = await fetch(url, init);
  await answer.body?.cancel();
  return { type: "http", statusCode: answer.status };
}

function askTcp(port: number, host: string, signal: AbortSignal): Promise<ProbeResult> {
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const socket = connect({ port, host });
  socket.once("connect", () => resolve({ type: "tcp", succeeded: true }));
  socket.once("error", () => resolve({ type: "tcp", succeeded: false }));
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  return promise.finally(() => socket.destroy());
}

/** Its output joins the executor's. */
function runCommand(command: CommandInfo, { cwd, env, user }: ProbedPlace, signal: AbortSignal): Promise<ProbeResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ProbeResult>();
  const { program, args, argv0 } = argvOf(command);
  const options = { cwd, env: { ...env, ...commandEnvironment(command) }, argv0, ...user, detached: true };
  const child = spawn(program, args, { ...options, stdio: ["ignore", 2, 2] });
  const { pid } = child;
  child.once("error", reject);
  child.once("exit", (code, endedBy) => {
    if (pid !== undefined) signalGroup(pid, "SIGKILL");
    if (code === null) reject(new Error(`the command was ended by ${endedBy}`));
    else resolve({ type: "command", exitCode: code });
  });
  if (pid !== undefined) signal.addEventListener("abort", () => signalGroup(pid, "SIGKILL"), { once: true });
  return promise;
}
