import { join } from "node:path";

/** The embedded broker in a process of its own. */
export interface BrokerProcess {
  readonly port: number;
  /** With SIGKILL: it ends wherever it stands. */
  kill(): Promise<void>;
}

export async function startProcess(dataDir: string, port: number): Promise<BrokerProcess> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "broker-process.ts"), dataDir, `${port}`], {
    stdout: "pipe",
    stderr: "inherit",
  });
  for await (const chunk of child.stdout) {
    const kill = async (): Promise<void> => {
      child.kill("SIGKILL");
      await child.exited;
    };
    return { port: Number(Buffer.from(chunk).toString()), kill };
  }
  throw new Error("the broker ended before it was up");
}
