import { describe, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { systemRandom } from "../../../src/base/random.ts";
import { ZooKeeperClient, type ZooKeeperClientOptions } from "../../../src/zookeeper/client.ts";
import type { ServerAddress } from "../../../src/zookeeper/server-connection.ts";
import { freePort } from "../free-port.ts";

/** Debian's libzookeeper-java, with as much of what it needs as a server without TLS and metrics loads. */
const jars = [
  "zookeeper",
  "zookeeper-jute",
  "slf4j-api",
  "slf4j-simple",
  "netty-buffer",
  "netty-common",
  "netty-handler",
  "netty-transport",
].map((name) => `/usr/share/java/${name}.jar`);

/** Long enough for a busy machine; a JVM that ends at once is noticed at once. */
const READY_WITHIN_MS = 180_000;
/** ZooKeeper grants sessions of 2 to 20 ticks. */
const TICK_MS = 200;
/** A session that is soon over, and yet not lost because the machine is busy. */
export const shortSessionMs = 5000;

/** Why no real ZooKeeper can be started here; undefined where one can. */
export const noRealZooKeeper: string | undefined =
  Bun.which("java") === null
    ? "java is not installed"
    : jars.every((jar) => existsSync(jar))
      ? undefined
      : "Debian's libzookeeper-java is not installed";

/** Tests that need one: skipped where there is none, and their name tells why. */
export function withZooKeeper(name: string, tests: () => void): void {
  if (noRealZooKeeper === undefined) describe(name, tests);
  else test.skip(`${name} [${noRealZooKeeper}]`, () => undefined);
}

export interface RealZooKeeper extends AsyncDisposable {
  readonly address: ServerAddress;
  /** `host:port`. */
  readonly hostPort: string;
  /** A session of its own, ended with this. */
  connect(options?: Partial<ZooKeeperClientOptions>): ZooKeeperClient;
  /** Ends at once, and starts again with the same address and data when that is asked for. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Forgets all that was stored. Only between `kill` and `start`. */
  wipe(): void;
  /** SIGSTOP, and SIGCONT: connections stay open, and nothing is answered. */
  pause(): void;
  resume(): void;
}

/** One real ZooKeeper, with a folder of its own. Its bounds let sessions last from 400 ms to 60 s. */
export async function startRealZooKeeper(): Promise<RealZooKeeper> {
  const folder = mkdtempSync(join(tmpdir(), "brigade-zookeeper-"));
  const data = join(folder, "data");
  const address = { host: "127.0.0.1", port: await freePort() };
  const config = join(folder, "zoo.cfg");
  writeFileSync(
    config,
    [
      `tickTime=${TICK_MS}`,
      "maxSessionTimeout=60000",
      `dataDir=${data}`,
      `clientPort=${address.port}`,
      `clientPortAddress=${address.host}`,
      "admin.enableServer=false",
      // Nothing here has to survive a power loss.
      "forceSync=no",
      "",
    ].join("\n"),
  );
  const log = Bun.file(join(folder, "log"));
  const launch = () => {
    const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    const options = ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-Dzookeeper.forceSync=no"];
    return Bun.spawn(["java", ...options, "-cp", jars.join(":"), main, config], {
      stdin: "ignore",
      stdout: log,
      stderr: log,
    });
  };
  let server: ReturnType<typeof launch> | undefined;
  const clients: ZooKeeperClient[] = [];
  const connect: RealZooKeeper["connect"] = (options = {}) => {
    const client = new ZooKeeperClient({
      servers: [address],
      abandon: false,
      requestTimeoutMs: 30_000,
      backoff: { initialMs: 20, maxMs: 200 },
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      onEnd: () => undefined,
      ...options,
    });
    clients.push(client);
    client.start();
    return client;
  };
  const kill = async (): Promise<void> => {
    server?.kill("SIGKILL");
    await server?.exited;
    server = undefined;
  };
  const start = async (): Promise<void> => {
    const started = launch();
    server = started;
    const client = connect({ requestTimeoutMs: READY_WITHIN_MS });
    const died = started.exited.then(async (code) => {
      throw new Error(`ZooKeeper ended with code ${code}: ${await log.text()}`);
    });
    died.catch(() => undefined); // after it has served, its end is the test's
    try {
      await Promise.race([client.exists("/"), died]);
    } finally {
      await client.close();
    }
  };
  const stop = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.close()));
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address,
    hostPort: `${address.host}:${address.port}`,
    connect,
    kill,
    start,
    wipe: () => rmSync(data, { recursive: true }),
    pause: () => server?.kill("SIGSTOP"),
    resume: () => server?.kill("SIGCONT"),
    [Symbol.asyncDispose]: stop,
  };
}
