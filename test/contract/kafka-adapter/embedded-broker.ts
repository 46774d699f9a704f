import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { freePort } from "../../support/free-port.ts";
import type { TestBroker } from "./harness.ts";

/** The embedded Kafka in a process of its own, so that it can be killed. */
export async function startEmbedded(): Promise<TestBroker> {
  const dataDir = await mkdtemp(join(tmpdir(), "brigade-kafka-"));
  let { child, port } = await spawn(await freePort(), dataDir);
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return {
    address: { host: "127.0.0.1", port },
    async restart() {
      await kill();
      ({ child, port } = await spawn(port, dataDir));
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function spawn(port: number, dataDir: string): Promise<{ child: Subprocess; port: number }> {
  const script = new URL("./broker-process.ts", import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, script, String(port), dataDir], {
    stdout: "pipe",
    stderr: "inherit",
    env: process.env,
  });
  const { value } = await child.stdout.getReader().read();
  if (value === undefined) throw new Error(`The embedded Kafka ended with ${await child.exited} before it listened`);
  return { child, port: Number(new TextDecoder().decode(value)) };
}
