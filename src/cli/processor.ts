import { systemClock } from "../base/clock.ts";
import { InputError, UsageError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import { didYouMean } from "../config/nearest.ts";
import { formatProblem } from "../config/problem.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import { readProcessorDir } from "../config/processor-files.ts";
import type { Settings } from "../config/settings.ts";
import { requireSettings } from "../config/settings-schema.ts";
import { ProcessScheduler } from "../meta/process-scheduler.ts";
import { openState } from "../state/open-state.ts";
import type { StateStore } from "../state/store.ts";
import { type CliCommand, exitCodes, parseCliArgs } from "./command.ts";
import { processLog } from "./logging.ts";
import { deploymentOf } from "./running-scheduler.ts";
import { loadSettingsFile } from "./settings-file.ts";
import { aborted, type PendingFailure, pendingFailure } from "./waiting.ts";

const usage = `Usage: brigade processor NAME [--config FILE]

Runs one processor of PROCESSOR_DIR alone in this process, without the meta-scheduler and its API, until SIGTERM or
Ctrl-C. It needs a STATE that no scheduler uses, and does not notice later changes of its definition. Logs go to
standard output.

  --config FILE    a Java properties file; the environment wins over it (see brigade config)
`;

export const processorCommand: CliCommand = {
  name: "processor",
  summary: "run one processor alone in this process",
  usage,
  async run(args, io) {
    const { values, positionals } = parseCliArgs({
      args: [...args],
      options: { config: { type: "string" } },
      allowPositionals: true,
    });
    const [name, ...others] = positionals;
    if (name === undefined || others.length > 0) throw new UsageError("processor takes one NAME");
    const settings = requireSettings(await loadSettingsFile(values.config, io));
    const spec = await findProcessor(name, settings);
    const { log } = processLog(settings, (line) => io.stdout(line));
    const failed = pendingFailure();
    const onLost = failed.reject;
    const store = await openState(settings.state, { clock: systemClock, random: systemRandom, log, onLost });
    try {
      await runProcessor(spec, settings, store, log, io.signal, failed);
    } finally {
      await store.close();
    }
    return exitCodes.success;
  },
};

/** Until the signal, or until it cannot go on: there is nobody here to start it again but who started us. */
async function runProcessor(
  spec: ProcessorSpec,
  settings: Settings,
  store: StateStore,
  log: Logger,
  signal: AbortSignal,
  failed: PendingFailure,
): Promise<void> {
  const scheduler = new ProcessScheduler({
    settings,
    spec,
    deployment: deploymentOf({ ...settings, apiAddress: null }),
    store,
    clock: systemClock,
    random: systemRandom,
    log: log.child({ processor: spec.name }),
    onPhase: (phase, reason) =>
      log.info("processor changed phase", { processor: spec.name, phase, reason: reason ?? undefined }),
    onFatal: failed.reject,
  });
  // A start that the signal interrupts rejects only then, with nothing new to say.
  const started = scheduler.start().then(() => aborted(signal));
  await Promise.race([started, aborted(signal), failed.promise]);
  log.info("processor stops; tasks run on", { processor: spec.name });
  await scheduler.stop("keep", settings.stopTimeoutMs);
}

/** @throws {InputError} there is no usable definition of that name */
async function findProcessor(name: string, settings: Settings): Promise<ProcessorSpec> {
  const path = settings.processorDir;
  const directory = await readProcessorDir(path, settings);
  if (directory.kind === "unreadable") throw directory.error;
  const spec = directory.processors.find((processor) => processor.name === name);
  if (spec !== undefined) return spec;
  const broken = directory.files.find((file) => file.broken && file.names.includes(name));
  const problem = directory.problems.find(({ severity, file }) => severity === "error" && file === broken?.path);
  if (problem !== undefined) throw new InputError(`Cannot run processor ${name}: ${formatProblem(problem)}`);
  const names = directory.processors.map((processor) => processor.name);
  const hint = didYouMean(name, names) ?? `${names.length} processors are defined there`;
  throw new InputError(`Cannot run processor ${name}: it is not defined in ${path} (${hint})`);
}
