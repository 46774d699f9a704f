import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { BrigadeError, errorCode } from "../base/errors.ts";
import { type Random, randomInt } from "../base/random.ts";

export const LOOPBACK = "127.0.0.1";

/** Whoever listens: what `--<name>-port` names. */
export type PortName = "kafka" | "mesos" | "api";
export type Ports = Readonly<Record<PortName, number>>;

export class PortBusyError extends BrigadeError {
  override readonly name = "PortBusyError";
  readonly code = "port-busy";
  readonly fault = "input";
}

const FILE = "ports.json";
/**
 * Where free ports are looked for: below those that Linux gives to outgoing connections (from 32 768 on). Any of these
 * could take the port of an engine that died, and keep it from coming back; even one to the very port, which the kernel
 * then connects to itself.
 */
const FREE_PORTS = { first: 20_000, end: 32_768 };
const FREE_PORT_TRIES = 50;
const names: readonly PortName[] = ["kafka", "mesos", "api"];

/**
 * Decides the ports of `brigade local`. 0 takes the port that {@link keepPorts} kept the last time, or a free one: so that
 * with `--data` what clients were told stays true.
 *
 * @throws {PortBusyError} a port that was asked for is in use
 */
export async function choosePorts(wanted: Ports, folder: string, random: Random): Promise<Ports> {
  const last = await lastPorts(folder);
  const chosen: Record<PortName, number> = { ...wanted };
  // All are held open until all are chosen: else one free port could be found twice.
  const held: (() => Promise<void>)[] = [];
  try {
    for (const name of names) {
      const reserved = wanted[name] === 0 ? await reserveAny(last[name], random) : await reserve(wanted[name]);
      if (reserved === undefined) throw busyError(name, wanted[name]);
      held.push(reserved.release);
      chosen[name] = reserved.port;
    }
  } finally {
    await Promise.all(held.map((release) => release()));
  }
  return chosen;
}

/** To be called once they are truly ours: a second `brigade local` on the same folder must not overwrite them. */
export async function keepPorts(ports: Ports, folder: string): Promise<void> {
  await writeFile(join(folder, FILE), `${JSON.stringify(ports)}\n`);
}

function busyError(name: PortName, port: number): PortBusyError {
  return new PortBusyError(
    `Cannot use port ${port} for ${name}: something else listens there; name another with --${name}-port, or 0 for any`,
  );
}

interface Reserved {
  readonly port: number;
  readonly release: () => Promise<void>;
}

async function reserveAny(preferred: number | undefined, random: Random): Promise<Reserved | undefined> {
  if (preferred !== undefined) {
    const reserved = await reserve(preferred);
    if (reserved !== undefined) return reserved;
  }
  const { first, end } = FREE_PORTS;
  for (let tries = 0; tries < FREE_PORT_TRIES; tries++) {
    const reserved = await reserve(first + randomInt(random, end - first));
    if (reserved !== undefined) return reserved;
  }
  return reserve(0);
}

/** Undefined where the port is taken. */
function reserve(port: number): Promise<Reserved | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => {
      if (errorCode(error) === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => {
      const address = server.address();
      resolve({
        port: typeof address === "object" && address !== null ? address.port : port,
        release: () => new Promise((done) => void server.close(() => done())),
      });
    });
  });
}

async function lastPorts(folder: string): Promise<Partial<Ports>> {
  try {
    return JSON.parse(await readFile(join(folder, FILE), "utf8")) as Partial<Ports>;
  } catch (error) {
    // Not there the first time; cut short by a crash, it is worth no more than a free port.
    if (errorCode(error) === "ENOENT" || error instanceof SyntaxError) return {};
    throw error;
  }
}
