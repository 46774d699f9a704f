import { UsageError } from "../base/errors.ts";
import { formatProblem } from "../config/problem.ts";
import { requireSettings } from "../config/settings-schema.ts";
import { type CliCommand, exitCodes, parseCliArgs } from "./command.ts";
import { processLog } from "./logging.ts";
import { RunningScheduler } from "./running-scheduler.ts";
import { loadSettingsFile } from "./settings-file.ts";
import { aborted } from "./waiting.ts";

const usage = `Usage: brigade scheduler [--config FILE]

Runs every processor of PROCESSOR_DIR, until SIGTERM or Ctrl-C. Tasks then run on and are adopted by the next start.
Logs go to standard output.

  --config FILE    a Java properties file; the environment wins over it (see brigade config)
`;

export const schedulerCommand: CliCommand = {
  name: "scheduler",
  summary: "run the processors of PROCESSOR_DIR on a Mesos cluster",
  usage,
  async run(args, io) {
    const { values, positionals } = parseCliArgs({
      args: [...args],
      options: { config: { type: "string" } },
      allowPositionals: true,
    });
    if (positionals.length > 0) throw new UsageError("scheduler takes no arguments but --config FILE");
    const loaded = await loadSettingsFile(values.config, io);
    const settings = requireSettings(loaded);
    const processLogger = processLog(settings, (line) => io.stdout(line));
    const { log } = processLogger;
    for (const problem of loaded.problems) log.warn("setting may be mistaken", { problem: formatProblem(problem) });
    const running = await RunningScheduler.start(settings, processLogger);
    try {
      await Promise.race([aborted(io.signal), running.failed]);
    } finally {
      log.info("scheduler stops; tasks run on");
      await running.stop();
    }
    return exitCodes.success;
  },
};
