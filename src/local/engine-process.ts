import type { Subprocess } from "bun";
import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { BrigadeError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { HostPort } from "../config/settings.ts";
import { parseAnnouncement } from "./announcement.ts";

const RESTART: BackoffOptions = { initialMs: 200, maxMs: 10_000 };
/** One that served so long was well: the next pause is short again. */
const HEALTHY_AFTER_MS = 30_000;
/** After its standard input has ended, an engine gets this long to close what it has. */
const CLOSE_TIMEOUT_MS = 15_000;

/** An engine ended before it served. */
export class EngineStartError extends BrigadeError {
  override readonly name = "EngineStartError";
  readonly code = "engine-start";
  readonly fault = "infrastructure";
}

export interface EngineProcessOptions {
  /** For people: `mesos`, `kafka`. */
  readonly name: string;
  /** argv, the program first. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

type Child = Subprocess<"pipe", "pipe", "inherit">;

/** Runs an embedded engine as a child process, and starts it again when it dies. */
export class EngineProcess {
  readonly #options: EngineProcessOptions;
  readonly #log: Logger;
  #child: Child | undefined;
  #deaths = 0;
  #closing = false;
  #cancelRestart: () => void = () => undefined;

  constructor(options: EngineProcessOptions) {
    this.#options = options;
    this.#log = options.log.child({ engine: options.name });
  }

  /** Id of the process, for those who want to end or measure it; undefined between two lives. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Resolves when it serves, with its address.
   * @throws {EngineStartError} it ended before; its log tells why
   */
  start(): Promise<HostPort> {
    return this.#spawn();
  }

  /** Asks it to end, and waits until it has. Idempotent. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#cancelRestart();
    const child = this.#child;
    if (child === undefined) return;
    const cancel = this.#options.clock.schedule(CLOSE_TIMEOUT_MS, () => {
      this.#log.warn("engine did not end in time and is killed", { pid: child.pid });
      child.kill("SIGKILL");
    });
    await child.stdin.end();
    await child.exited;
    cancel();
  }

  async #spawn(): Promise<HostPort> {
    const { name, command, env, clock } = this.#options;
    const bornMs = clock.monotonicMs();
    const child = Bun.spawn([...command], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      env: { ...env },
      // A process group of its own: Ctrl-C in the terminal is for us to answer, engines end last.
      detached: true,
    });
    this.#child = child;
    void child.exited.then((code) => this.#onExit(code, bornMs));
    const address = await announcedAddress(child);
    if (address !== undefined) return address;
    const code = await child.exited;
    throw new EngineStartError(`Cannot start the embedded ${name}: it ended with code ${code}; its log tells why`);
  }

  #onExit(code: number, bornMs: number): void {
    this.#child = undefined;
    if (this.#closing || !this.#served) return;
    const { clock, random } = this.#options;
    this.#deaths = clock.monotonicMs() - bornMs >= HEALTHY_AFTER_MS ? 1 : this.#deaths + 1;
    const inMs = backoffMs(RESTART, this.#deaths, random);
    this.#log.error("engine died and is started again", { code, inMs });
    this.#cancelRestart = clock.schedule(inMs, () => void this.#restart());
  }
}
