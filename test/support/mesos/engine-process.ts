import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An embedded Mesos in a process of its own, which can be killed. */
export interface EngineProcess {
  readonly address: { readonly host: string; readonly port: number };
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** A folder that one embedded Mesos after the other works in. Its end closes the last one, and removes it. */
export class EngineFolder implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), "brigade-mesos-"));
  readonly #engines: Bun.Subprocess<"pipe", "pipe", "inherit">[] = [];

  async start(port = 0, env: Readonly<Record<string, string>> = {}): Promise<EngineProcess> {
    const command = [process.execPath, join(import.meta.dir, "engine.ts"), this.path, `${port}`];
    const engine = Bun.spawn(command, {
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
