import { systemClock } from "../base/clock.ts";
import { silentLogger } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import { formatHostPort } from "../config/addresses.ts";
import type { HostPort, Settings } from "../config/settings.ts";
import { loadSettings, requireSettings } from "../config/settings-schema.ts";
import { KafkaAdmin } from "../kafka/admin.ts";
import { LocalEngines } from "../local/local.ts";
import { choosePorts, keepPorts, LOOPBACK, type Ports } from "../local/ports.ts";
import { type CliCommand, type CliIo, exitCodes } from "./command.ts";
import { openDataFolder } from "./data-folder.ts";
import { dockerVariables } from "./docker-variables.ts";
import { type LocalOptions, localUsage, parseLocalOptions } from "./local-options.ts";
import { type ProcessLog, processLog } from "./logging.ts";
import { RunningScheduler } from "./running-scheduler.ts";
import { selfCommand } from "./self.ts";
import { aborted, repeatUntil } from "./waiting.ts";

/** When a person is told what is being waited for: at the start only if it takes long, at the end almost at once. */
const SLOW_START = { firstMs: 5000, everyMs: 5000 };
const SLOW_END = { firstMs: 200, everyMs: 5000 };

/** Where the tools look by themselves. */
const DEFAULT_KAFKA = "127.0.0.1:9092";
const DEFAULT_API = "127.0.0.1:7000";

export const localCommand: CliCommand = {
  name: "local",
  summary: "run everything on this machine, with an embedded Mesos and Kafka",
  usage: localUsage,
  async run(args, io) {
    const options = parseLocalOptions(args, io);
    const folder = await openDataFolder(options.data);
    try {
      const ports = await choosePorts(options.ports, folder.path, systemRandom);
      const settings = localSettings(options, ports, folder.path, io);
      const logger = processLog(settings, (line) => io.stderr(line));
      // Whoever mistyped its address should not wait for it.
      if (options.kafka !== undefined) await kafkaAdmin(options.kafka).reach();
      const engines = await LocalEngines.start({
        folder: folder.path,
        ports,
        kafka: options.kafka,
        agents: options.agents,
        self: selfCommand,
        env: { ...io.env, LOG_FORMAT: settings.logFormat },
        clock: systemClock,
        random: systemRandom,
        log: logger.log,
      });
      try {
        await keepPorts(ports, folder.path);
        if (options.scheduler) await serve(settings, options, engines, logger, io);
        else await serveEngines(engines, io);
      } finally {
        await engines.close();
      }
    } finally {
      await folder.release();
    }
    return exitCodes.success;
  },
};

function kafkaAdmin(brokers: readonly HostPort[]): KafkaAdmin {
  return new KafkaAdmin({ kafka: { brokers, clientId: "brigade-local" }, clock: systemClock, log: silentLogger });
}

/** What the environment says, but for what `brigade local` decides itself. */
function localSettings(options: LocalOptions, ports: Ports, folder: string, io: CliIo): Settings {
  const env: Record<string, string | undefined> = {
    PROCESSOR_POLL: "2s",
    LOG_FORMAT: "text",
    TOPICS_CREATE: "true",
    ...io.env,
    MESOS_MASTER: `${LOOPBACK}:${ports.mesos}`,
    KAFKA_ADDRESS: shown(...(options.kafka ?? [{ host: LOOPBACK, port: ports.kafka }])),
    API_ADDRESS: `${LOOPBACK}:${ports.api}`,
    PROCESSOR_DIR: options.processors,
    STATE: `${folder}/state`,
  };
  // The embedded Mesos knows no passwords, and its executor is this program.
  for (const key of ["BRIGADE_EXECUTOR", "MESOS_PRINCIPAL", "MESOS_SECRET", "MESOS_SECRET_FILE"]) delete env[key];
  return requireSettings(loadSettings({ env }));
}

async function serveEngines({ kafka, mesos }: LocalEngines, io: CliIo): Promise<void> {
  io.stdout(`brigade ready kafka=${shown(...kafka)} mesos=${shown(mesos)}\n`);
  await aborted(io.signal);
}

async function serve(
  settings: Settings,
  { processorsGiven }: LocalOptions,
  { kafka, mesos }: LocalEngines,
  logger: ProcessLog,
  io: CliIo,
): Promise<void> {
  const running = await RunningScheduler.start(settings, logger, {
    executorEnv: dockerVariables(io.env),
    mayBeginWithout: !processorsGiven,
  });
  try {
    if (await allRun(running, io)) {
      const api = running.apiAddress === undefined ? "" : `api=http://${shown(running.apiAddress)} `;
      io.stdout(`brigade ready ${api}kafka=${shown(...kafka)} mesos=${shown(mesos)}\n`);
      await greet(running, settings.processorDir, kafka, io);
      await aborted(io.signal);
    }
  } finally {
    await finish(running, io);
  }
}

/** Who sees Brigade for the first time is told what to do next. */
async function greet(
  running: RunningScheduler,
  processorDir: string,
  kafka: readonly HostPort[],
  io: CliIo,
): Promise<void> {
  const { processors, problems } = await running.scheduler.snapshot();
  if (processors.length > 0 || problems.length > 0) return;
  const option = shown(...kafka) === DEFAULT_KAFKA ? "" : ` --kafka ${shown(...kafka)}`;
  const { apiAddress } = running;
  const api = apiAddress === undefined || shown(apiAddress) === DEFAULT_API ? "" : ` --api http://${shown(apiAddress)}`;
  io.stderr(
    `brigade: no processors yet; each is a JSON file in ${processorDir}, and runs as soon as it is there. To try one:\n` +
      `    mkdir -p ${processorDir}\n` +
      `    echo '{"name": "upper", "input": "in", "output": "out", "command": "tr a-z A-Z"}' > ${processorDir}/upper.json\n` +
      `    brigade status${api}    # until upper is running\n` +
      `    echo hello | brigade produce in${option}\n` +
      `    brigade consume out --from-beginning --count 1${option}\n`,
  );
}

/** Whether all processors came to run before Ctrl-C. Tells meanwhile which do not, and why. */
async function allRun(running: RunningScheduler, io: CliIo): Promise<boolean> {
  const { scheduler } = running;
  const done = new AbortController();
  const telling = repeatUntil(AbortSignal.any([done.signal, io.signal]), SLOW_START, async () => {
    const missing = scheduler.notRunning().map(({ name, phase, reason }) => `${name} (${reason ?? phase})`);
    if (missing.length > 0) io.stderr(`brigade: waiting for ${missing.join(", ")}\n`);
  });
  try {
    await scheduler.untilRunning(io.signal);
    return true;
  } catch (error) {
    if (io.signal.aborted) return false;
    throw error;
  } finally {
    done.abort();
    await telling;
  }
}

/** Waits for what runs; a second Ctrl-C ends it. */
async function finish(running: RunningScheduler, io: CliIo): Promise<void> {
  const done = new AbortController();
  const finished = running.stop({ wait: true });
  const telling = repeatUntil(done.signal, SLOW_END, () => tellWhatRuns(running, io));
  const killed = io.killSignal === undefined ? finished : Promise.race([finished, aborted(io.killSignal)]);
  try {
    await killed;
    if (io.killSignal?.aborted) {
      io.stderr("brigade: killing what runs\n");
      await running.stop({ kill: true });
    }
    await finished;
  } finally {
    done.abort();
    await telling;
  }
}

async function tellWhatRuns({ scheduler }: RunningScheduler, io: CliIo): Promise<void> {
  const { processors } = await scheduler.snapshot();
  const busy = processors.filter(({ runs }) => runs > 0).map(({ name, runs }) => `${name} (${runs})`);
  if (busy.length > 0) io.stderr(`brigade: waiting for what runs: ${busy.join(", ")}; Ctrl-C again kills it\n`);
}

function shown(...addresses: readonly HostPort[]): string {
  return addresses.map(formatHostPort).join(",");
}
