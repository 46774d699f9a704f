import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The addresses of the ready line. */
export interface Addresses {
  readonly api: string;
  readonly kafka: string;
  readonly mesos: string;
}

export interface LocalBrigade extends Addresses {
  readonly pid: number;
  /** Folder with the log of the run. */
  readonly folder: string;
  /** Runs another command of the same binary against this Kafka, and returns its standard output. */
  cli(args: readonly string[], stdin?: string): Promise<string>;
  /** Ctrl-C: waits for what runs. @returns the exit code */
  stop(): Promise<number>;
  readonly exited: Promise<number>;
}

const root = resolve(import.meta.dir, "../..");
export const binary = join(root, "dist/brigade");

/** Starts `brigade local` on free ports and waits for its ready line. @throws with the end of its log where it fails */
export async function startLocalBrigade(args: readonly string[]): Promise<LocalBrigade> {
  const folder = mkdtempSync(join(tmpdir(), "brigade-run-"));
  const log = join(folder, "brigade.log");
  const ports = ["--kafka-port", "0", "--mesos-port", "0", "--api-port", "0"];
  const child = Bun.spawn([binary, "local", ...ports, ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: Bun.file(log),
    env: { ...process.env, LOG_FORMAT: "text" },
  });
  const addresses = await readReadyLine(child.stdout);
  if (addresses === undefined) {
    const tail = (await Bun.file(log).text()).trimEnd().split("\n").slice(-15).join("\n");
    throw new Error(`brigade local did not get ready (exit code ${await child.exited}); the end of ${log}:\n${tail}`);
  }
  return {
    ...addresses,
    pid: child.pid,
    folder,
    exited: child.exited,
    async cli(cliArgs, stdin) {
      const env = { ...process.env, KAFKA_ADDRESS: addresses.kafka };
      const input = stdin === undefined ? "ignore" : Buffer.from(stdin);
      const run = Bun.spawn([binary, ...cliArgs], { stdin: input, stdout: "pipe", stderr: "pipe", env });
      const [out, err, code] = await Promise.all([
        new Response(run.stdout).text(),
        new Response(run.stderr).text(),
        run.exited,
      ]);
      if (code !== 0) throw new Error(`brigade ${cliArgs.join(" ")} failed with exit code ${code}: ${err.trim()}`);
      return out;
    },
    async stop() {
      child.kill("SIGINT");
      return child.exited;
    },
  };
}

/** undefined where standard output ends without one. */
async function readReadyLine(stdout: ReadableStream<Uint8Array>): Promise<Addresses | undefined> {
  let text = "";
  for await (const chunk of stdout) {
    text += Buffer.from(chunk).toString();
    const match = /^brigade ready (?:api=(\S+) )?kafka=(\S+) mesos=(\S+)$/m.exec(text);
    if (match !== null) return { api: match[1] ?? "", kafka: match[2] ?? "", mesos: match[3] ?? "" };
  }
  return undefined;
}
