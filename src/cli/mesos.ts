import { readFile } from "node:fs/promises";
import { systemClock } from "../base/clock.ts";
import { InputError, UsageError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import { formatHostPort } from "../config/addresses.ts";
import { AgentProcess } from "../local/mesos/agent/agent-process.ts";
import { MasterProcess } from "../local/mesos/master/master-process.ts";
import { HostListLocator, type MasterLocator } from "../mesos/master-locator.ts";
import { ZooKeeperLocator } from "../mesos/zookeeper-locator.ts";
import { type CliCommand, type CliIo, exitCodes } from "./command.ts";
import { dockerVariables } from "./docker-variables.ts";
import { environmentLog } from "./logging.ts";
import { readCredentials } from "./mesos-credentials.ts";
import {
  type MesosAgentOptions,
  mesosUsage,
  parseMesosAgentOptions,
  parseMesosMasterOptions,
} from "./mesos-options.ts";
import { selfCommand } from "./self.ts";
import { aborted, pendingFailure } from "./waiting.ts";

export const mesosCommand: CliCommand = {
  name: "mesos",
  summary: "run a master or an agent of the embedded Mesos alone",
  usage: mesosUsage,
  run([role, ...args], io) {
    if (role === "master") return runMaster(args, io);
    if (role === "agent") return runAgent(args, io);
    throw new UsageError(
      role === undefined ? "mesos takes master or agent" : `mesos takes master or agent, not "${role}"`,
    );
  },
};

async function runMaster(args: readonly string[], io: CliIo): Promise<number> {
  const { listen, data, zooKeeper, zooKeeperTimeoutMs, advertise, credentials, ...settings } = parseMesosMasterOptions(
    args,
    io,
  );
  const { log } = environmentLog(io);
  const failed = pendingFailure();
  const master = new MasterProcess({
    ...listen,
    ...settings,
    advertised: advertise,
    credentials: credentials === undefined ? undefined : await readCredentials(credentials),
    dataDir: data,
    zooKeeper: zooKeeper && { address: zooKeeper, sessionTimeoutMs: zooKeeperTimeoutMs },
    clock: systemClock,
    random: systemRandom,
    log,
    onFailed: failed.reject,
  });
  try {
    await master.start();
    io.stdout(`brigade ready mesos-master=${formatHostPort(master.advertised)}\n`);
    await Promise.race([aborted(io.signal), failed.promise]);
  } finally {
    await master.close();
  }
  return exitCodes.success;
}

async function runAgent(args: readonly string[], io: CliIo): Promise<number> {
  const { listen, advertise, data, master, principal, secretFile, ...settings } = parseMesosAgentOptions(args, io);
  const { log } = environmentLog(io);
  const failed = pendingFailure();
  const masters = locatorOf(master, log);
  const agent = new AgentProcess({
    ...listen,
    ...settings,
    advertised: advertise,
    workDir: data,
    masters,
    credentials:
      principal === undefined || secretFile === undefined
        ? undefined
        : { principal, secret: await readSecret(secretFile) },
    builtInExecutor: selfCommand(["mesos-executor"]),
    executorVariables: Object.fromEntries(dockerVariables(io.env)),
    clock: systemClock,
    random: systemRandom,
    log,
    onServing: (id, address) => io.stdout(`brigade ready mesos-agent=${formatHostPort(address)} id=${id}\n`),
    onFailed: failed.reject,
  });
  try {
    await agent.start();
    const leaves = io.leaveSignal === undefined ? new Promise<never>(() => undefined) : aborted(io.leaveSignal);
    await Promise.race([aborted(io.signal), failed.promise, leaves]);
    if (io.leaveSignal?.aborted === true) {
      log.info("leaves the cluster for good");
      await Promise.race([agent.leave(), failed.promise, aborted(io.signal)]);
    }
  } finally {
    await agent.close();
    await masters.close();
  }
  return exitCodes.success;
}

function locatorOf(address: MesosAgentOptions["master"], log: Logger): MasterLocator {
  if (address.type === "hosts") return new HostListLocator(address.hosts);
  return new ZooKeeperLocator({ address, clock: systemClock, random: systemRandom, log });
}

async function readSecret(path: string): Promise<string> {
  let secret: string;
  try {
    secret = (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new InputError(`Cannot read the secret from ${path}: it must be a readable file`, { cause });
  }
  if (secret === "") throw new InputError(`Cannot use the secret in ${path}: it is empty`);
  return secret;
}
