import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../free-port.ts";

/** An embedded Mesos in a process of its own, which can be killed. */
export interface EngineProcess {
  readonly address: { readonly host: string; readonly port: number };
  kill(): Promise<void>;
  close(): Promise<void>;
}

export interface EngineOptions {
  /** How long executors of an earlier life are waited for, to the full: one that is late by then is killed. */
  readonly patienceMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A folder that one embedded Mesos after the other works in. Its end closes the last one, and removes it. */
export class EngineFolder implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), "brigade-mesos-"));
  readonly #engines: Bun.Subprocess<"pipe", "pipe", "inherit">[] = [];

  /** @param port of the life before */
  async start(port?: number, { patienceMs = 3000, env = {} }: EngineOptions = {}): Promise<EngineProcess> {
    const args = [this.path, `${port ?? (await freePort())}`, `${patienceMs}`];
    const engine = Bun.spawn([process.execPath, join(import.meta.dir, "engine.ts"), ...args], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      env: { ...process.env, ...env },
    });
    this.#engines.push(engine);
    const { value } = await engine.stdout.getReader().read();
    return {
      address: { host: "127.0.0.1", port: Number(new TextDecoder().decode(value)) },
      async kill() {
        engine.kill("SIGKILL");
        await engine.exited;
      },
      async close() {
        await engine.stdin.end();
        await engine.exited;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const engine of this.#engines.splice(0)) {
      await engine.stdin.end();
      await engine.exited;
    }
    rmSync(this.path, { recursive: true, force: true });
  }
}
