import { readFileSync } from "node:fs";
import { createConnection, isIP, type Socket } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, createSecureContext } from "node:tls";
import { DEFAULT_DOCKER_HOST, unixSocketOf } from "../../base/docker-host.ts";
import { InputError } from "../../base/errors.ts";
import { formatHostPort, type HostPort } from "../../mesos/host-port.ts";

/** Where a Docker Engine listens. */
export type EngineAddress =
  | { readonly type: "unix"; readonly path: string }
  | ({ readonly type: "tcp" } & HostPort)
  | ({ readonly type: "tls"; readonly identity: TlsIdentity } & HostPort);

export interface TlsIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Whether the Engine must show a certificate of `ca` for its host name. */
  readonly verify: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORT = 2375;
const DEFAULT_TLS_PORT = 2376;
/** Long enough to cost nothing, short enough to notice a vanished host before a person does. */
const KEEP_ALIVE_MS = 30_000;

/**
 * Where the Docker CLI would look with the same environment: `DOCKER_HOST` (`unix:///path` or `tcp://host:port`), and for
 * TCP with TLS `DOCKER_TLS_VERIFY` or `DOCKER_CERT_PATH`, the folder of `ca.pem`, `cert.pem` and `key.pem`.
 *
 * @throws {InputError} a variable is of another form, or a certificate cannot be read
 */
export function readEngineAddress(env: Environment): EngineAddress {
  const host = env["DOCKER_HOST"] || DEFAULT_DOCKER_HOST;
  const unixPath = unixSocketOf(host);
  if (unixPath !== undefined) return { type: "unix", path: unixPath };

  const verify = (env["DOCKER_TLS_VERIFY"] ?? "") !== "";
  const withTls = verify || (env["DOCKER_CERT_PATH"] ?? "") !== "";
  const tcp = /^tcp:\/\/(?:\[([0-9A-Fa-f:.]+)\]|([^:/[\]]+))(?::(\d{1,5}))?\/?$/.exec(host);
  const name = tcp?.[1] ?? tcp?.[2];
  if (name === undefined) {
    throw new InputError(
      `Cannot use Docker Engine: DOCKER_HOST is "${host}", must be unix:///path/to/socket or tcp://host:port`,
    );
  }
  const port = Number(tcp?.[3] ?? (withTls ? DEFAULT_TLS_PORT : DEFAULT_PORT));
  if (!withTls) return { type: "tcp", host: name, port };
  return { type: "tls", host: name, port, identity: readIdentity(env, verify) };
}

function readIdentity(env: Environment, verify: boolean): TlsIdentity {
  const folder = env["DOCKER_CERT_PATH"] || join(env["HOME"] ?? homedir(), ".docker");
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), "utf8");
    } catch (cause) {
      throw new InputError(`Cannot use Docker Engine: ${join(folder, name)} cannot be read`, { cause });
    }
  };
  const identity = { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem"), verify };
  try {
    createSecureContext(identity);
  } catch (cause) {
    const what = `ca.pem, cert.pem and key.pem in ${folder} are no certificates and key that fit each other`;
    throw new InputError(`Cannot use Docker Engine: ${what}`, { cause });
  }
  return identity;
}

/** For people. */
export function describeAddress(address: EngineAddress): string {
  return address.type === "unix" ? `unix://${address.path}` : `tcp://${formatHostPort(address)}`;
}

/** Starts to connect; what may be written before that waits in the socket. */
export function connectEngine(address: EngineAddress): Socket {
  if (address.type === "unix") return createConnection({ path: address.path });
  const { host, port } = address;
  const tcp = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
  if (address.type === "tcp") return createConnection(tcp);
  const { ca, cert, key, verify } = address.identity;
  // A name is told to the server and sought in its certificate; an address is only sought.
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ ...tcp, ca, cert, key, rejectUnauthorized: verify, ...servername });
}
