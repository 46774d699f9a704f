import { existsSync, readFileSync } from "node:fs";
import { eventually } from "./eventually.ts";

export interface SpawnOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where its output goes: `<logs>.out` and `<logs>.err`. */
  readonly logs: string;
}

/** One `brigade …` that was started and goes on; killed at the end of its scope. */
export class BrigadeProcess implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", Bun.BunFile, Bun.BunFile>;
  readonly #logs: string;

  /** @param command argv, the binary first */
  constructor(command: readonly string[], { cwd, env, logs }: SpawnOptions) {
    this.#logs = logs;
    this.#child = Bun.spawn([...command], {
      cwd,
      env: { ...env },
      stdin: "ignore",
      stdout: Bun.file(`${logs}.out`),
      stderr: Bun.file(`${logs}.err`),
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The exit code; 128 + signal where one ended it. */
  get exited(): Promise<number> {
    return this.#child.exited;
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get stdout(): string {
    return read(`${this.#logs}.out`);
  }

  get stderr(): string {
    return read(`${this.#logs}.err`);
  }

  /** Entries of its log with this message, wherever it writes it. */
  logged(message: string): readonly Readonly<Record<string, unknown>>[] {
    return (
      [this.stdout, this.stderr]
        // What follows the last end of a line is still being written.
        .flatMap((text) => text.split("\n").slice(0, -1))
        .filter((line) => line.startsWith("{") && line.endsWith("}"))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ msg }) => msg === message)
    );
  }

  /** Resolves with the first match; fails at once where the process ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const found = await eventually(`brigade says ${pattern}`, () => {
      const exited = this.hasExited;
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      return match ?? (exited && "exited");
    });
    if (found === "exited") throw new Error(`brigade ended before it said ${pattern}: ${this.stderr.slice(-2000)}`);
    return found;
  }

  signal(signal: "SIGINT" | "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGUSR1"): void {
    this.#child.kill(signal);
  }

  /** SIGTERM, or another signal. @returns the exit code */
  async end(signal: "SIGINT" | "SIGTERM" | "SIGKILL" | "SIGUSR1" = "SIGTERM"): Promise<number> {
    this.signal(signal);
    await eventually(`brigade ends after ${signal}`, () => this.hasExited);
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}

function read(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
