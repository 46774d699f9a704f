import { writeSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import { InputError } from "../src/base/errors.ts";
import { createLogger, formatTextLine, type Logger } from "../src/base/log.ts";
import { formatUuid, systemRandom, uuidBytes } from "../src/base/random.ts";
import { brigadeVersion } from "../src/base/version.ts";
import { Executor } from "../src/host/executor.ts";
import { Session } from "../src/host/session.ts";
import { ExecutorConnection } from "../src/mesos/executor-connection.ts";
import { type ExecutorEnvironment, readExecutorEnvironment } from "../src/mesos/executor-environment.ts";
import { ownerVariable, startOrphanGuard } from "../src/programs/orphan-guard.ts";
import { ProcessPrograms } from "../src/programs/process-program.ts";
import { StderrLog } from "../src/programs/stderr-log.ts";

/**
 * `brigade executor`: a Mesos agent starts it, it runs the programs of one processor on that agent, and leaves when it
 * has been idle for long enough. Its log goes to standard error, which is a file in the sandbox.
 *
 * @param env the process environment, with the variables that an agent sets (MESOS_FRAMEWORK_ID, …)
 * @param signal aborted when the process is asked to end: tasks are then ended within the shutdown grace period
 * @returns the exit code
 */
export async function executorMain(
  env: Readonly<Record<string, string | undefined>>,
  { signal }: { signal?: AbortSignal } = {},
): Promise<number> {
  const log = createLogger({ sink: (entry) => void writeSync(2, `${formatTextLine(entry)}\n`) });
  let environment: ExecutorEnvironment;
  try {
    environment = readExecutorEnvironment(env);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    log.error(error.message);
    return 1;
  }
  const { executorId, frameworkId, agentId } = environment;
  log.info("executor starts", { version: brigadeVersion, executorId, frameworkId, agentId });
  return runExecutor(environment, log, signal);
}

async function runExecutor(environment: ExecutorEnvironment, log: Logger, signal?: AbortSignal): Promise<number> {
  const clock = systemClock;
  const random = systemRandom;
  const folder = environment.sandbox ?? process.cwd();

  const owner = formatUuid(uuidBytes(random));
  const stopGuard = startOrphanGuard(owner);
  const stderrLog = new StderrLog(join(folder, "programs.stderr"), log);
  const programs = new ProcessPrograms({ folder, clock, stderrLog, env: { [ownerVariable]: owner } });

  const session = new Session(
    {
      version: brigadeVersion,
      shutdownGraceMs: environment.shutdownGracePeriodMs,
      epochMs: clock.wallMs() - clock.monotonicMs(),
    },
    random,
  );
  const subscribe = () => session.subscribe();
  const executor = new Executor({
    session,
    connect: (onEvent) => new ExecutorConnection({ environment, subscribe, clock, random, log, onEvent }),
    programs,
    clock,
    log,
  });

  const terminate = (): void => executor.terminate();
  signal?.addEventListener("abort", terminate, { once: true });
  if (signal?.aborted === true) terminate();
  try {
    return await executor.run();
  } finally {
    signal?.removeEventListener("abort", terminate);
    stderrLog.close();
    stopGuard();
  }
}
