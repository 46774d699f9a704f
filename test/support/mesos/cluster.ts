import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { kill, processesOf } from "../e2e/leftovers.ts";
import { freePort } from "../free-port.ts";
import { until } from "../until.ts";

const main = resolve(import.meta.dir, "../../../src/main.ts");
/** Waited for in full only where something is broken. */
const PATIENCE_MS = 60_000;

/** `brigade mesos …`, run from source. */
export interface ClusterProcess {
  /** Where it is; an agent's is known once it has met a master. */
  readonly address: { readonly host: string; readonly port: number };
  readonly agentId: string;
  log(): string;
  says(pattern: RegExp): Promise<unknown>;
  signal(signal: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGUSR1"): void;
  /** @returns the exit code, or 128 and the signal */
  exited(): Promise<number>;
}

/** Masters and agents that are processes of their own, in one folder. Their end ends whatever they have started. */
export class MesosCluster implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "brigade-cluster-"));
  readonly #children: Bun.Subprocess[] = [];

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  async master(args: readonly string[] = [], port?: number): Promise<ClusterProcess> {
    const listen = ["--listen", `127.0.0.1:${port ?? (await freePort())}`, "--allocation-interval", "50ms"];
    const process = this.#start(["master", ...listen, ...args]);
    return { ...process, ...(await process.ready(/^brigade ready mesos-master=([\d.]+):(\d+)()$/m)) };
  }

  /** @param name of its folder: the same one is the same agent */
  async agent(name: string, args: readonly string[]): Promise<ClusterProcess> {
    // An executor that comes back too late is killed, and a busy machine may be late by seconds.
    const size = ["--resources", "cpus:4;mem:2048", "--executor-reregistration-timeout", "8secs"];
    const process = this.#start(["agent", "--data", this.path(name), ...size, ...args]);
    return { ...process, ...(await process.ready(/^brigade ready mesos-agent=([\d.]+):(\d+) id=(\S+)$/m)) };
  }

  /** One that need not get as far as to be ready. */
  start(args: readonly string[]): Omit<ClusterProcess, "address" | "agentId"> {
    return this.#start(args);
  }

  #start(args: readonly string[]) {
    const logs = this.path(`${this.#children.length}-${args[0]}.log`);
    // Both write behind whatever is there, and not over it.
    const file = openSync(logs, "a");
    const child = Bun.spawn([process.execPath, main, "mesos", ...args], {
      cwd: this.folder,
      stdin: "ignore",
      stdout: file,
      stderr: file,
      env: { PATH: process.env["PATH"] ?? "", LOG_LEVEL: "debug", TMPDIR: this.folder },
    });
    closeSync(file);
    this.#children.push(child);
    const read = (): string => readFileSync(logs, "utf8");
    const says = async (pattern: RegExp): Promise<RegExpExecArray> => {
      try {
        return await until(() => pattern.exec(read()) ?? undefined, `it says ${pattern}`, PATIENCE_MS);
      } catch (cause) {
        throw new Error(`${args[0]} has only said ${read()}`, { cause });
      }
    };
    return {
      log() {
        return read();
      },
      says,
      signal: (signal: Parameters<ClusterProcess["signal"]>[0]) => child.kill(signal),
      exited: () => child.exited,
      async ready(pattern: RegExp) {
        const [, host = "", port = "", agentId = ""] = await says(pattern);
        return { address: { host, port: Number(port) }, agentId };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#children.map((child) => child.exited));
    await until(
      () => {
        const left = processesOf(this.folder);
        for (const { pid } of left) kill(pid);
        return left.length === 0;
      },
      "nothing runs any more",
      PATIENCE_MS,
    );
    rmSync(this.folder, { recursive: true, force: true });
  }
}
