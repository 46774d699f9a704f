import { availableParallelism, totalmem } from "node:os";
import { resolve } from "node:path";
import { parseDuration } from "../base/duration.ts";
import { UsageError } from "../base/errors.ts";
import { maskCredentials, parseMasterAddress, parseZooKeeperAddress } from "../config/addresses.ts";
import type { HostPort, MasterAddress } from "../config/settings.ts";
import type { Attribute, Resource } from "../mesos/types.ts";
import type { ZooKeeperAddress } from "../zookeeper/address.ts";
import { type CliIo, parseCliArgs } from "./command.ts";
import { parseAttributes, parseResources } from "./mesos-resources.ts";
import { hostPort, wholeNumber } from "./options.ts";

export interface MesosMasterOptions {
  readonly listen: HostPort;
  readonly advertise: HostPort | undefined;
  readonly hostname: string | undefined;
  readonly data: string | null;
  readonly zooKeeper: ZooKeeperAddress | undefined;
  readonly zooKeeperTimeoutMs: number;
  readonly credentials: string | undefined;
  readonly authenticateReadonly: boolean;
  readonly agentPingTimeoutMs: number;
  readonly maxAgentPingTimeouts: number;
  readonly agentReregisterTimeoutMs: number;
  readonly allocationIntervalMs: number;
  readonly offerTimeoutMs: number | undefined;
}

export interface MesosAgentOptions {
  readonly master: MasterAddress;
  readonly listen: HostPort;
  readonly advertise: HostPort | undefined;
  readonly hostname: string | undefined;
  readonly data: string;
  readonly resources: readonly Resource[];
  readonly attributes: readonly Attribute[];
  readonly principal: string | undefined;
  readonly secretFile: string | undefined;
  readonly masterSilenceTimeoutMs: number;
  readonly executorRegistrationTimeoutMs: number;
  readonly executorReregistrationTimeoutMs: number;
  readonly executorShutdownGraceMs: number;
}

const MIB = 1024 * 1024;
/** As a real agent offers what it finds: all cpus, and memory less 1 GB or half of it. */
const memoryMb = Math.floor(totalmem() / MIB);
const DEFAULT_RESOURCES = `cpus:${availableParallelism()};mem:${Math.max(memoryMb - 1024, Math.floor(memoryMb / 2))}`;

export const mesosUsage = `Usage: brigade mesos master [OPTIONS]
       brigade mesos agent --master ADDRESS --data DIR [OPTIONS]

Runs the embedded Mesos of brigade local in processes of its own: a master, or an agent of one. Frameworks see the v1
HTTP API of Mesos. Between master and agent there is a protocol of Brigade's: neither can be mixed with Mesos' own.
Each prints one line when it listens, and runs until Ctrl-C or SIGTERM:

    brigade ready mesos-master=127.0.0.1:5050
    brigade ready mesos-agent=127.0.0.1:5051 id=…-S0

Logs go to standard error; LOG_LEVEL and LOG_FORMAT are taken from the environment. Addresses are IPv4. Without
--credentials whoever reaches a master may run programs on its agents.

Both:
  --listen HOST:PORT     default 127.0.0.1:5050 for a master, 127.0.0.1:0 for an agent; port 0 takes a free one, which an
                         agent keeps
  --advertise HOST:PORT  where others are told to find it; needed where it listens on every address (0.0.0.0)
  --hostname NAME        what it is called; default: the host of its address
  --data DIR             an agent's sandboxes and memory; of a master, the list of its agents

A master:
  --zk zk://[USER:PASSWORD@]HOST:PORT,…/PATH
                         announces itself in ZooKeeper as Mesos' masters do, and stands by while another one leads. It
                         ends with exit code 1 when it loses its lead: have it started again. In place of --data
  --zk-timeout T         how long a dead leader goes on to lead (default 10s)
  --credentials FILE     {"credentials":[{"principal":"…","secret":"…"}]}: frameworks and agents have to authenticate
  --authenticate-readonly  the operator API as well
  --agent-ping-timeout T, --max-agent-ping-timeouts N
                         an agent that does not answer N pings is unreachable (default 15s, 5)
  --agent-reregister-timeout T
                         how long an agent may take to come back (default 10m)
  --allocation-interval T  default 1s
  --offer-timeout T      offers are rescinded after it (default: never)

An agent:
  --master ADDRESS       HOST:PORT, several with commas between, or zk://[USER:PASSWORD@]HOST:PORT,…/PATH
  --resources TEXT       as with Mesos, cpus:4;mem:8192;disk:10000;ports:[31000-32000] (default here ${DEFAULT_RESOURCES})
  --attributes TEXT      as with Mesos, rack:r1;zone:z1
  --principal NAME, --secret-file FILE
                         how it authenticates with a master that has --credentials
  --master-timeout T     a master that is silent for so long is gone (default 75s)
  --executor-registration-timeout T, --executor-reregistration-timeout T, --executor-shutdown-grace-period T
                         default 1m, 2s, 5s

An agent that ends leaves executors running whose frameworks have a checkpoint; they are found again by the next agent with
the same --data, or end by themselves after 15 minutes. SIGUSR1 has it leave for good: it ends its executors, and the master
forgets it.
`;

const common = {
  listen: { type: "string" },
  advertise: { type: "string" },
  hostname: { type: "string" },
  data: { type: "string" },
} as const;

/** @throws {UsageError} */
export function parseMesosMasterOptions(args: readonly string[], io: Pick<CliIo, "cwd">): MesosMasterOptions {
  const { values } = parseCliArgs({
    args: [...args],
    options: {
      ...common,
      zk: { type: "string" },
      "zk-timeout": { type: "string", default: "10s" },
      credentials: { type: "string" },
      "authenticate-readonly": { type: "boolean", default: false },
      "agent-ping-timeout": { type: "string", default: "15s" },
      "max-agent-ping-timeouts": { type: "string", default: "5" },
      "agent-reregister-timeout": { type: "string", default: "10m" },
      "allocation-interval": { type: "string", default: "1s" },
      "offer-timeout": { type: "string" },
    },
  });
  if (values.zk !== undefined && values.data !== undefined) {
    throw new UsageError("--zk and --data are given: a master keeps the list of its agents in one of them");
  }
  if (values["authenticate-readonly"] && values.credentials === undefined) {
    throw new UsageError("--authenticate-readonly is given without --credentials: nobody could read");
  }
  const offerTimeout = values["offer-timeout"];
  return {
    ...commonOptions(values, "127.0.0.1:5050"),
    data: values.data === undefined ? null : resolve(io.cwd, values.data),
    zooKeeper: values.zk === undefined ? undefined : zooKeeperAddress("--zk", values.zk),
    zooKeeperTimeoutMs: duration("--zk-timeout", values["zk-timeout"]),
    credentials: values.credentials === undefined ? undefined : resolve(io.cwd, values.credentials),
    authenticateReadonly: values["authenticate-readonly"],
    agentPingTimeoutMs: duration("--agent-ping-timeout", values["agent-ping-timeout"]),
    maxAgentPingTimeouts: wholeNumber("--max-agent-ping-timeouts", values["max-agent-ping-timeouts"], 1, 1000),
    agentReregisterTimeoutMs: duration("--agent-reregister-timeout", values["agent-reregister-timeout"]),
    allocationIntervalMs: duration("--allocation-interval", values["allocation-interval"]),
    offerTimeoutMs: offerTimeout === undefined ? undefined : duration("--offer-timeout", offerTimeout),
  };
}

/** @throws {UsageError} */
export function parseMesosAgentOptions(args: readonly string[], io: Pick<CliIo, "cwd">): MesosAgentOptions {
  const { values } = parseCliArgs({
    args: [...args],
    options: {
      ...common,
      master: { type: "string" },
      resources: { type: "string", default: DEFAULT_RESOURCES },
      attributes: { type: "string", default: "" },
      principal: { type: "string" },
      "secret-file": { type: "string" },
      "master-timeout": { type: "string", default: "75s" },
      "executor-registration-timeout": { type: "string", default: "1m" },
      "executor-reregistration-timeout": { type: "string", default: "2s" },
      "executor-shutdown-grace-period": { type: "string", default: "5s" },
    },
  });
  if (values.master === undefined) throw new UsageError("--master is missing: where is the master?");
  if (values.data === undefined) throw new UsageError("--data is missing: where are sandboxes to be?");
  if ((values.principal === undefined) !== (values["secret-file"] === undefined)) {
    throw new UsageError("--principal and --secret-file go together");
  }
  return {
    ...commonOptions(values, "127.0.0.1:0"),
    master: masterAddress(values.master),
    data: resolve(io.cwd, values.data),
    resources: parseResources(values.resources),
    attributes: parseAttributes(values.attributes),
    principal: values.principal,
    secretFile: values["secret-file"] === undefined ? undefined : resolve(io.cwd, values["secret-file"]),
    masterSilenceTimeoutMs: duration("--master-timeout", values["master-timeout"]),
    executorRegistrationTimeoutMs: duration("--executor-registration-timeout", values["executor-registration-timeout"]),
    executorReregistrationTimeoutMs: duration(
      "--executor-reregistration-timeout",
      values["executor-reregistration-timeout"],
    ),
    executorShutdownGraceMs: duration("--executor-shutdown-grace-period", values["executor-shutdown-grace-period"]),
  };
}

interface CommonValues {
  readonly listen?: string | undefined;
  readonly advertise?: string | undefined;
  readonly hostname?: string | undefined;
}

function commonOptions({ listen: text, advertise, hostname }: CommonValues, listenAt: string) {
  const listen = ipv4("--listen", hostPort("--listen", text ?? listenAt, { anyPort: true }));
  if (listen.host === "0.0.0.0" && advertise === undefined) {
    throw new UsageError(`--listen is ${text}, which others cannot be told: --advertise must say what they can`);
  }
  return {
    listen,
    advertise: advertise === undefined ? undefined : ipv4("--advertise", hostPort("--advertise", advertise)),
    hostname,
  };
}

/** Mesos' own clients read no other in MasterInfo. */
function ipv4(option: string, address: HostPort): HostPort {
  const octets = address.host.split(".");
  if (octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) < 256)) return address;
  throw new UsageError(`${option} is ${address.host}:${address.port}, must begin with an IPv4 address`);
}

function duration(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1 && ms <= 2_000_000_000) return ms;
  throw new UsageError(`${option} is ${text}, must be a duration such as 15s, from 1ms to 23d`);
}

function masterAddress(text: string): MasterAddress {
  const address = parseMasterAddress(text);
  if (address !== undefined) return address;
  throw new UsageError(
    `--master is ${maskCredentials(text)}, must be host:port, host:port,host:port or zk://user:password@host:port,host:port/path`,
  );
}

function zooKeeperAddress(option: string, text: string): ZooKeeperAddress {
  const address = parseZooKeeperAddress(text);
  if (address !== undefined) return address;
  throw new UsageError(
    `${option} is ${maskCredentials(text)}, must be zk://user:password@host:port,host:port/path, and not the root`,
  );
}
