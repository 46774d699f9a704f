import { compiledBrigade } from "../../test/support/compiled-brigade.ts";

/** `brigade kafka` of the compiled binary, with its data on disk. */
export interface KafkaBroker {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** With SIGKILL: it ends wherever it stands. */
  kill(): Promise<void>;
}

export interface KafkaBrokerOptions {
  readonly dataDir: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Partitions of a topic that is made without a number. */
  readonly partitions?: number;
}

/** Waits for the ready line; what it logs goes to standard error. @throws where it ends without one */
export async function startKafkaBroker({ dataDir, port, partitions = 1 }: KafkaBrokerOptions): Promise<KafkaBroker> {
  const options = ["--listen", `127.0.0.1:${port}`, "--data", dataDir, "--partitions", `${partitions}`];
  const child = Bun.spawn([compiledBrigade(), "kafka", ...options], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, LOG_FORMAT: "text", LOG_LEVEL: "warn" },
  });
  let text = "";
  for await (const chunk of child.stdout) {
    text += Buffer.from(chunk).toString();
    const ready = /^brigade ready kafka=(\S+):(\d+)$/m.exec(text);
    if (ready === null) continue;
    return {
      host: ready[1] ?? "",
      port: Number(ready[2]),
      pid: child.pid,
      async kill() {
        child.kill("SIGKILL");
        await child.exited;
      },
    };
  }
  throw new Error(`brigade kafka did not get ready: exit code ${await child.exited}`);
}
