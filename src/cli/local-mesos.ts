import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { startMesos } from "../local/mesos/mesos.ts";
import type { CliCommand } from "./command.ts";
import { dockerVariables } from "./docker-variables.ts";
import { childLog, childOptions, serveAsChild } from "./engine-child.ts";
import { selfCommand } from "./self.ts";

const usage = `Usage: brigade local-mesos --port PORT --folder DIR --agents N --cpus C --mem M

Started by brigade local: an embedded Mesos master with N agents. Ends when its standard input does.
`;

export const localMesosCommand: CliCommand = {
  name: "local-mesos",
  summary: "the embedded Mesos of brigade local",
  usage,
  async run(args, io) {
    const option = childOptions(args, ["port", "folder", "agents", "cpus", "mem"]);
    const mesos = await startMesos({
      port: Number(option("port")),
      workDir: option("folder"),
      agents: Array.from({ length: Number(option("agents")) }, (_, index) => ({
        hostname: `agent-${index + 1}`,
        cpus: Number(option("cpus")),
        memMb: Number(option("mem")),
      })),
      builtInExecutor: selfCommand(["mesos-executor"]),
      executorVariables: Object.fromEntries(dockerVariables(io.env)),
      clock: systemClock,
      random: systemRandom,
      log: childLog("mesos", io).log,
    });
    return serveAsChild(mesos, io);
  },
};
