import { showUtf8, utf8 } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { BrigadeError } from "../../base/errors.ts";
import { attachBoth } from "./engine-api.ts";
import type { EngineClient } from "./engine-client.ts";
import { OutputStream } from "./output-stream.ts";

/**
 * The first process of a container that is kept. It does what the Engine's API has no call for: it signals what runs in
 * the container, wherever that is and whatever numbers its processes have outside.
 *
 * An order a line comes in, an answer goes out. Its input ends when whoever is attached to it is gone (the executor was
 * killed, say): it then ends, and with it every process of the container.
 *
 * `kill -1` means all processes that it may signal, except itself. That must be those of the container and no others.
 * What programs leave behind becomes its child: it waits for one of its own, and on the way for those that are dead.
 */
const SCRIPT = `
[ $$ = 1 ] || { echo 'it is not the first process of its container'; exit 1; }
echo ready
while read -r order; do
  case $order in
    TERM) kill -TERM -1 2>/dev/null; echo done ;;
    KILL) kill -KILL -1 2>/dev/null; : & wait $!; echo done ;;
    OOM)
      found=
      for file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
        [ -r $file ] && while read -r name count; do [ $name = oom_kill ] && found=$count; done <$file
      done
      echo "$found" ;;
  esac
done
`;

export const keeperCommand: readonly string[] = ["/bin/sh", "-c", SCRIPT];

/** It does next to nothing; but its container may be short of CPU, or out of memory for a moment. */
const ANSWER_MS = 20_000;

/** The keeper is gone, and its container with it, or does not answer. */
export class KeeperLostError extends BrigadeError {
  override readonly name = "KeeperLostError";
  readonly code = "keeper-lost";
  readonly fault = "infrastructure";
  /** It is known to be gone. */
  readonly isGone: boolean;

  constructor(message: string, { isGone = false }: { readonly isGone?: boolean } = {}) {
    super(message);
    this.isGone = isGone;
  }
}

/** The way to the keeper of one container. */
export class Keeper {
  readonly #clock: Clock;
  /** Those who wait for a line, in order. */
  readonly #asked: PromiseWithResolvers<string>[] = [];
  readonly #lines: string[] = [];
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;
  #rest = "";
  #stream: OutputStream | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when it is gone: nothing runs in its container any more, or nobody knows. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /**
   * To its container, which was created and not started.
   *
   * @throws {EngineLostError | EngineRefusedError}
   */
  async attach(client: EngineClient, containerId: string): Promise<void> {
    const output = { stdout: (part: Uint8Array) => this.#onOutput(part), stderr: () => undefined };
    const stream = await OutputStream.open((onData) => attachBoth(client, containerId, onData), output);
    this.#stream = stream;
    const end = (): void => this.#end();
    stream.ends().then(end, end);
  }

  /**
   * @returns null as soon as it can be used; what it says instead
   * @throws {KeeperLostError} it ended without a word, or is silent
   */
  async complaint(): Promise<string | null> {
    const line = await this.#line();
    return line === "ready" ? null : line;
  }

  /**
   * Signals every process of the container but the keeper. Resolves when that is done.
   *
   * @throws {KeeperLostError}
   */
  async signalAll(signal: "TERM" | "KILL"): Promise<void> {
    await this.#ask(signal);
  }

  /**
   * How many processes of the container the kernel has killed for want of memory; undefined where it cannot be told.
   *
   * @throws {KeeperLostError}
   */
  async countOutOfMemory(): Promise<number | undefined> {
    const count = await this.#ask("OOM");
    return count === "" ? undefined : Number(count);
  }

  /** Lets go of it: it ends. Idempotent. */
  close(): void {
    this.#stream?.close();
  }

  #ask(order: string): Promise<string> {
    this.#stream?.write(utf8(`${order}\n`));
    return this.#line();
  }

  async #line(): Promise<string> {
    const line = this.#lines.shift();
    if (line !== undefined) return line;
    if (this.#isOver) throw gone();
    const asked = Promise.withResolvers<string>();
    this.#asked.push(asked);
    const cancel = this.#clock.schedule(ANSWER_MS, () => {
      asked.reject(new KeeperLostError(`Cannot use a container that is kept: no answer for ${ANSWER_MS / 1000} s`));
      this.close();
    });
    try {
      return await asked.promise;
    } finally {
      cancel();
    }
  }

  #onOutput(part: Uint8Array): void {
    const lines = (this.#rest + showUtf8(part)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const asked = this.#asked.shift();
      if (asked === undefined) this.#lines.push(line);
      else asked.resolve(line);
    }
  }

  #end(): void {
    this.#isOver = true;
    for (const asked of this.#asked.splice(0)) asked.reject(gone());
    this.#over.resolve();
  }
}

function gone(): KeeperLostError {
  return new KeeperLostError("Cannot use a container that is kept: its first process is gone", { isGone: true });
}
