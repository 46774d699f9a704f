import { writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import { InputError } from "../src/base/errors.ts";
import { createLogger, formatTextLine, type Logger } from "../src/base/log.ts";
import { formatUuid, systemRandom, uuidBytes } from "../src/base/random.ts";
import { brigadeVersion } from "../src/base/version.ts";
import { agentFolderVariable, deploymentVariable } from "../src/engine/executor-wire.ts";
import { Executor } from "../src/host/executor.ts";
import { Session } from "../src/host/session.ts";
import { ExecutorConnection } from "../src/mesos/executor-connection.ts";
import { type ExecutorEnvironment, readExecutorEnvironment } from "../src/mesos/executor-environment.ts";
import { hostPathsOf } from "../src/programs/docker/host-paths.ts";
import { GuardedPrograms } from "../src/programs/guarded-programs.ts";
import { type ClosablePrograms, IsolatedPrograms } from "../src/programs/isolated-programs.ts";
import { ownerVariable, startOrphanGuard } from "../src/programs/orphan-guard.ts";
import { PolicyFile } from "../src/programs/policy-file.ts";
import { ProcessPrograms } from "../src/programs/process-program.ts";
import { StderrLog } from "../src/programs/stderr-log.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** Of a scheduler that does not tell it. */
const DEFAULT_DEPLOYMENT = "brigade";

export interface ExecutorMainOptions {
  /** Aborted when the process is asked to end: tasks are then ended within the shutdown grace period. */
  readonly signal?: AbortSignal;
  /** The file with the agent's policy, instead of the default one. */
  readonly policyFile?: string;
}

/**
 * `brigade executor`: a Mesos agent starts it, it runs the programs of one processor on that agent, and leaves when it
 * has been idle for long enough. Its log goes to standard error, which is a file in the sandbox.
 *
 * @param env the process environment, with the variables that an agent sets (MESOS_FRAMEWORK_ID, …)
 * @returns the exit code
 */
export async function executorMain(env: Variables, options: ExecutorMainOptions = {}): Promise<number> {
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
  return runExecutor(environment, env, log, options);
}

async function runExecutor(
  environment: ExecutorEnvironment,
  env: Variables,
  log: Logger,
  { signal, policyFile }: ExecutorMainOptions,
): Promise<number> {
  const clock = systemClock;
  const random = systemRandom;
  const folder = environment.sandbox ?? process.cwd();

  const onHost = environment.sandbox === environment.hostSandbox;
  const owner = formatUuid(uuidBytes(random));
  // In a container nothing outlives its first process.
  const stopGuard = onHost ? startOrphanGuard(owner) : () => undefined;
  const stderrLog = new StderrLog(join(folder, "programs.stderr"), log);
  const isolated = new IsolatedPrograms({
    process: new ProcessPrograms({ folder, clock, stderrLog, env: { [ownerVariable]: owner } }),
    openContainers: () => openContainers({ environment, env, folder, owner, log, stderrLog }),
  });
  const programs = new GuardedPrograms(isolated, new PolicyFile(policyFile), { onHost });

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
    await programs.close();
    stderrLog.close();
    stopGuard();
  }
}

interface ContainerSurroundings {
  readonly environment: ExecutorEnvironment;
  readonly env: Variables;
  readonly folder: string;
  readonly owner: string;
  readonly log: Logger;
  readonly stderrLog: StderrLog;
}

/** Loaded only where it is needed: most executors run processes, and start the sooner for it. */
async function openContainers(surroundings: ContainerSurroundings): Promise<ClosablePrograms> {
  const { ContainerPrograms } = await import("../src/programs/docker/container-programs.ts");
  const { environment, env, folder, owner, log, stderrLog } = surroundings;
  const deployment = env[deploymentVariable] ?? DEFAULT_DEPLOYMENT;
  const { agentId, executorId, sandbox, hostSandbox } = environment;
  const programs = new ContainerPrograms({
    folder,
    hostPaths: hostPathsOf({ sandbox, hostSandbox, agentFolder: env[agentFolderVariable] }),
    owner: { deployment, agent: agentId ?? hostname(), executor: executorId, owner },
    env,
    clock: systemClock,
    log,
    stderrLog,
  });
  programs.startSweeping();
  return programs;
}
