import { writeSync } from "node:fs";
import { systemClock } from "../../../base/clock.ts";
import { createLogger, formatTextLine } from "../../../base/log.ts";
import { systemRandom } from "../../../base/random.ts";
import { readExecutorEnvironment } from "../../../mesos/executor-environment.ts";
import { BuiltInExecutor } from "./executor.ts";
import type { BuiltInSettings } from "./session.ts";

/**
 * The process of a built-in executor, which an agent starts.
 *
 * @param variables the process environment
 * @returns the exit code
 * @throws {InputError} it was not an agent that started it
 */
export function builtInExecutorMain(
  kind: BuiltInSettings["kind"],
  variables: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const environment = readExecutorEnvironment(variables);
  const executor = new BuiltInExecutor({
    kind,
    environment,
    variables,
    sandbox: environment.sandbox ?? process.cwd(),
    clock: systemClock,
    random: systemRandom,
    // Only what is wrong: its output stands among that of the command.
    log: createLogger({ level: "warn", sink: (entry) => void writeSync(2, `${formatTextLine(entry)}\n`) }),
  });
  return executor.run();
}
