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
  /** Whether it has served once: only then is it worth starting again. */
  #served = false;
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
   * Resolves when it serves, with its address; from then on it is kept alive.
   * @throws {EngineStartError} it ended before; its log tells why
   */
  async start(): Promise<HostPort> {
    const address = await this.#spawn();
    this.#served = true;
    return address;
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
    const child: Child = Bun.spawn([...command], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      env: { ...env },
      // A process group of its own: Ctrl-C in the terminal is for us to answer, engines end last.
      detached: true,
    });
    this.#child = child;
    void child.exited.then((code) => this.#onExit(code, bornMs));
    const address = await announcedAddress(child.stdout);
    if (address !== undefined) return address;
    const code = await child.exited;
    throw new EngineStartError(`Cannot start the embedded ${name}: it ended with code ${code}; its log tells why`);
  }

  #onExit(code: number, bornMs: number): void {
    this.#child = undefined;
    if (this.#closing || !this.#served) return;
    const { clock, random } = this.#options;
    this.#deaths = clock.monotonicMs() - bornMs >= HEALTHY_AFTER_MS ? 1 : this.#deaths + 1;
    const inMs = Math.round(backoffMs(RESTART, this.#deaths, random));
    this.#log.error("engine died and is started again", { code, inMs });
    this.#cancelRestart = clock.schedule(inMs, () => void this.#restart());
  }

  async #restart(): Promise<void> {
    try {
      await this.#spawn();
      this.#log.info("engine serves again");
    } catch (error) {
      this.#log.error("engine did not start", { error }); // its end has set the next try
    }
  }
}

/** Reads to the end, so that the child never waits for a reader. Undefined where it ended without saying where it is. */
async function announcedAddress(stdout: ReadableStream<Uint8Array>): Promise<HostPort | undefined> {
  const { promise, resolve } = Promise.withResolvers<HostPort | undefined>();
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of stdout) {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const address = parseAnnouncement(line);
        if (address !== undefined) resolve(address);
      }
    }
    resolve(undefined);
  };
  read().catch(() => resolve(undefined));
  return promise;
}
