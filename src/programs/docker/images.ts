import type { Clock } from "../../base/clock.ts";
import { describeError, InputError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Environment } from "./engine-address.ts";
import { imageExists } from "./engine-api.ts";
import type { EngineClient } from "./engine-client.ts";
import { EngineLostError, EngineRefusedError } from "./errors.ts";
import { parseImageName } from "./image-name.ts";
import { PullProgress } from "./pull-progress.ts";
import { registryCredentials } from "./registry-credentials.ts";

/** A pull says something each second while it loads; while a large layer is unpacked it is silent for longer. */
const SILENCE_MS = 600_000;
/** How often a pull that takes long is told of. */
const PROGRESS_MS = 10_000;
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
export type PullFailure = {
  /** The last: by the agent's own trouble, of which neither image nor registry knows. */
  readonly reason: "image-missing" | "image-refused" | "host-trouble";
  readonly message: string;
  /** In the words of the Engine, the registry or a credential helper. */
  readonly cause: string;
} | null;

/**
 * The images of an Engine: pulled when they are needed, one pull at a time for each. Executors that pull the same image at
 * the same time do not load it twice: the Engine has them share each layer.
 */
export class Images {
  readonly #options: ImagesOptions;
  /** By image and credentials. */
  readonly #pulls = new Map<string, Promise<PullFailure>>();
  /** When a forced pull failed last, in the same way. */
  readonly #failedMs = new Map<string, number>();

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  /**
   * Pulls an image. Whoever asks while a pull of it is under way gets that one's result.
   *
   * @param credentials file in the form of Docker's config.json; by default the one that the environment tells
   * @throws {EngineLostError} the Engine, not the registry, is gone
   */
  pull(image: string, credentials?: string): Promise<PullFailure> {
    const key = keyOf(image, credentials);
    const running = this.#pulls.get(key);
    if (running !== undefined) return running;
    const pull = this.#pull(image, credentials).finally(() => this.#pulls.delete(key));
    this.#pulls.set(key, pull);
    return pull;
  }

  /**
   * Pulls an image although it may be here. Where that fails, the one that is here does, and for a minute no further
   * pull is tried: a registry that is down must not stop what could run, and an image made locally is in none.
   */
  async refresh(image: string, credentials?: string): Promise<PullFailure> {
    const { client, clock, log } = this.#options;
    const key = keyOf(image, credentials);
    const failedMs = this.#failedMs.get(key);
    if (failedMs !== undefined && clock.monotonicMs() - failedMs < FORCED_PULL_PAUSE_MS) return null;
    const failure = await this.pull(image, credentials);
    this.#failedMs.delete(key);
    if (failure === null || !(await imageExists(client, image))) return failure;
    this.#failedMs.set(key, clock.monotonicMs());
    log.warn("image cannot be pulled, the one that is here is used", { image, reason: failure.cause });
    return null;
  }

  async #pull(image: string, credentials: string | undefined): Promise<PullFailure> {
    const { log, clock } = this.#options;
    log.info("image is being pulled", { image });
    const startedMs = clock.monotonicMs();
    try {
      const failure = await this.#stream(image, credentials);
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
  async #stream(image: string, credentials: string | undefined): Promise<string | undefined> {
    const { client, env } = this.#options;
    const { registry, repository, tag } = parseImageName(image);
    const auth = await registryCredentials(registry, {
      env,
      ...(credentials === undefined ? {} : { file: credentials }),
    });
    const query = new URLSearchParams({ fromImage: repository, ...(tag === null ? {} : { tag }) });
    const progress = new PullProgress();
    let heardMs = this.#options.clock.monotonicMs();
    const stream = await client.stream(
      {
        action: `pull image ${image}`,
        method: "POST",
        path: `/images/create?${query.toString()}`,
        ...(auth === undefined ? {} : { headers: { "X-Registry-Auth": auth } }),
      },
      {
        onData: (chunk) => {
          heardMs = this.#options.clock.monotonicMs();
          progress.push(chunk);
        },
      },
    );
    const stopTelling = this.#tell(image, progress, {
      heardMs: () => heardMs,
      giveUp: () => stream.giveUp(`no word of the pull for ${SILENCE_MS / 60_000} min`),
    });
    const end = await stream.end;
    stopTelling();
    if (end instanceof EngineLostError) throw end;
    return progress.failure;
  }

  /** Tells how a pull goes on, and gives one up that has been silent for too long. @returns ends that */
  #tell(image: string, progress: PullProgress, pull: { heardMs(): number; giveUp(): void }): () => void {
    const { clock, log } = this.#options;
    let told = "";
    const later = (): (() => void) =>
      clock.schedule(PROGRESS_MS, () => {
        if (clock.monotonicMs() - pull.heardMs() >= SILENCE_MS) return pull.giveUp();
        const { summary } = progress;
        if (summary !== undefined && told !== JSON.stringify(summary)) {
          log.info("image pull goes on", { image, ...summary });
          told = JSON.stringify(summary);
        }
        cancel = later();
      });
    let cancel = later();
    return () => cancel();
  }
}

function keyOf(image: string, credentials = ""): string {
  return `${image} ${credentials}`;
}

/** What the kernel says of a host that lacks something. Another agent may have it. */
const hostTrouble =
  /no space left on device|disk quota exceeded|read-only file system|input\/output error|cannot allocate memory|too many open files/;

/**
 * A registry's refusal and its not knowing the image come with the same status, 404 or 500: only the words tell them
 * apart, which matters to people alone, since both pause the processor.
 */
function missing(image: string, why: string): PullFailure {
  const refused = /denied|unauthorized|authentication required|no basic auth credentials|forbidden/i.test(why);
  return {
    reason: hostTrouble.test(why) ? "host-trouble" : refused ? "image-refused" : "image-missing",
    message: `Cannot run image "${image}": it is not on the agent, and cannot be pulled: ${why}`,
    cause: why,
  };
}
