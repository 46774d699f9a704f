import { showUtf8 } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { describeError, InputError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Environment } from "./engine-address.ts";
import { imageExists } from "./engine-api.ts";
import type { EngineClient } from "./engine-client.ts";
import { EngineLostError, EngineRefusedError } from "./errors.ts";
import { parseImageName } from "./image-name.ts";
import { registryCredentials } from "./registry-credentials.ts";

/** A pull says something each second while it loads; while a large layer is unpacked it is silent for longer. */
const SILENCE_MS = 600_000;
/** How long a forced pull that failed is not repeated, where the image is here anyway. */
const FORCED_PULL_PAUSE_MS = 60_000;

export interface ImagesOptions {
  readonly client: EngineClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** For the place of Docker's config.json. */
  readonly env: Environment;
}

/** How a pull came out: null, or why the image is not here. */
export type PullFailure = { readonly reason: "image-missing" | "image-refused"; readonly message: string } | null;

/** The images of an Engine: pulled when they are needed, one pull at a time for each. */
export class Images {
  readonly #options: ImagesOptions;
  readonly #pulls = new Map<string, Promise<PullFailure>>();
  /** When a forced pull failed last, by image. */
  readonly #failedMs = new Map<string, number>();

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  /**
   * Pulls an image. Whoever asks while a pull of it is under way gets that one's result.
   *
   * @throws {EngineLostError} the Engine, not the registry, is gone
   */
  pull(image: string): Promise<PullFailure> {
    const running = this.#pulls.get(image);
    if (running !== undefined) return running;
    const pull = this.#pull(image).finally(() => this.#pulls.delete(image));
    this.#pulls.set(image, pull);
    return pull;
  }

  /**
   * Pulls an image although it may be here. Where that fails, the one that is here does, and for a minute no further
   * pull is tried: a registry that is down must not stop what could run, and an image made locally is in none.
   */
  async refresh(image: string): Promise<PullFailure> {
    const { client, clock, log } = this.#options;
    const failedMs = this.#failedMs.get(image);
    if (failedMs !== undefined && clock.monotonicMs() - failedMs < FORCED_PULL_PAUSE_MS) return null;
    const failure = await this.pull(image);
    this.#failedMs.delete(image);
    if (failure === null || !(await imageExists(client, image))) return failure;
    this.#failedMs.set(image, clock.monotonicMs());
    log.warn("image cannot be pulled, the one that is here is used", { image, reason: failure.message });
    return null;
  }

  async #pull(image: string): Promise<PullFailure> {
    const { log, clock } = this.#options;
    log.info("image is being pulled", { image });
    const startedMs = clock.monotonicMs();
    try {
      const failure = await this.#stream(image);
      if (failure === undefined) {
        log.info("image was pulled", { image, durationMs: Math.round(clock.monotonicMs() - startedMs) });
        return null;
      }
      return missing(image, failure);
    } catch (error) {
      if (error instanceof EngineRefusedError) return missing(image, error.reason);
      if (error instanceof InputError) return missing(image, describeError(error));
      throw error;
    }
  }

  /** @returns what the Engine reports in the stream as the reason of its failure */
  async #stream(image: string): Promise<string | undefined> {
    const { client, clock, log, env } = this.#options;
    const { registry, repository, tag } = parseImageName(image);
    const auth = await registryCredentials(registry, env);
    const query = new URLSearchParams({ fromImage: repository, ...(tag === null ? {} : { tag }) });
    const progress = new PullProgress((status) => log.debug("image pull goes on", { image, status }));
    let lastMs = clock.monotonicMs();
    const stream = await client.stream(
      {
        action: `pull image ${image}`,
        method: "POST",
        path: `/images/create?${query.toString()}`,
        ...(auth === undefined ? {} : { headers: { "X-Registry-Auth": auth } }),
      },
      {
        onData(chunk) {
          lastMs = clock.monotonicMs();
          progress.push(chunk);
        },
      },
    );
    let cancel: (() => void) | undefined;
    const watch = (ms: number): void => {
      cancel = clock.schedule(ms, () => {
        const left = lastMs + SILENCE_MS - clock.monotonicMs();
        if (left > 0) watch(left);
        else stream.close();
      });
    };
    watch(SILENCE_MS);
    const end = await stream.end;
    cancel?.();
    if (end instanceof EngineLostError) throw end;
    return progress.failure;
  }
}

/** Reads a pull's progress: JSON objects, one a line, of which one may say `error`. */
class PullProgress {
  failure: string | undefined;
  readonly #onStatus: (status: string) => void;
  #rest = "";
  #lastStatus = "";

  constructor(onStatus: (status: string) => void) {
    this.#onStatus = onStatus;
  }

  push(chunk: Uint8Array): void {
    const lines = (this.#rest + showUtf8(chunk)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") this.#line(line);
  }

  #line(line: string): void {
    let entry: { readonly error?: unknown; readonly status?: unknown };
    try {
      entry = JSON.parse(line) as typeof entry;
    } catch (error) {
      if (error instanceof SyntaxError) return;
      throw error;
    }
    if (typeof entry.error === "string") this.failure = entry.error;
    if (typeof entry.status !== "string" || entry.status === this.#lastStatus) return;
    this.#lastStatus = entry.status;
    this.#onStatus(entry.status);
  }
}

/**
 * A registry's refusal and its not knowing the image come with the same status, 404 or 500: only the words tell them
 * apart, which matters to people alone, since both pause the processor.
 */
function missing(image: string, why: string): PullFailure {
  const refused = /denied|unauthorized|authentication required|forbidden/i.test(why);
  return {
    reason: refused ? "image-refused" : "image-missing",
    message: `Cannot run image "${image}": it is not on the agent, and cannot be pulled: ${why}`,
  };
}
