import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import { utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { SettlingSpec, Versions } from "../engine/ports.ts";
import type { StateStore } from "../state/store.ts";
import { readStoredJson } from "./stored-json.ts";

const FORMAT = 1;
const RETRY: BackoffOptions = { initialMs: 200, maxMs: 10_000 };

export interface StoredVersionsOptions {
  readonly store: StateStore;
  readonly processor: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Ends what still waits for the store. */
  readonly signal: AbortSignal;
}

/**
 * The live versions of a processor's specification, in the state store, each under `processors/<name>/versions/<version>`:
 *
 *     {"format":1,"name":"upper","version":"3f0c…","output":"out","error":{"topic":"errors","value":"input"},"emptyOutput":"send"}
 *
 * Only what settles a result: nothing of the program, its environment or its secrets.
 */
export class StoredVersions implements Versions {
  readonly known: readonly SettlingSpec[];
  readonly #options: StoredVersionsOptions;
  readonly #stored: Set<string>;
  /** Changes happen in the order asked for. */
  #changing: Promise<void> = Promise.resolve();

  private constructor(options: StoredVersionsOptions, known: readonly SettlingSpec[]) {
    this.#options = options;
    this.known = known;
    this.#stored = new Set(known.map(({ version }) => version));
  }

  /** What cannot be read is not there: its runs are then settled by the present version. */
  static async load(options: StoredVersionsOptions): Promise<StoredVersions> {
    const { store, processor, log } = options;
    const known: SettlingSpec[] = [];
    for (const key of await store.list(prefixOf(processor))) {
      const bytes = await store.read(key);
      const spec = bytes === undefined ? undefined : parse(bytes);
      if (spec !== undefined) known.push(spec);
      else log.warn("stored version of the specification is not readable and is ignored", { key });
    }
    return new StoredVersions(options, known);
  }

  /** @throws the signal's reason, where that comes first */
  remember(spec: SettlingSpec): Promise<void> {
    return this.#inOrder(async () => {
      const { store, processor, clock, random, log, signal } = this.#options;
      for (let attempt = 1; !this.#stored.has(spec.version); attempt++) {
        signal.throwIfAborted();
        try {
          await store.write(keyOf(processor, spec.version), encode(spec));
          this.#stored.add(spec.version);
        } catch (error) {
          log.error("version of the specification cannot be stored, and is not used until it is", {
            version: spec.version,
            reason: describeError(error),
          });
          await clock.sleep(backoffMs(RETRY, attempt, random), { signal });
        }
      }
    });
  }

  /** One that cannot be forgotten now is found again, and forgotten, by the next start. */
  forget(version: string): void {
    void this.#inOrder(async () => {
      const { store, processor, log } = this.#options;
      this.#stored.delete(version);
      try {
        await store.delete(keyOf(processor, version));
      } catch (error) {
        log.warn("version of the specification that is over could not be removed", { version, error });
      }
    });
  }

  /** Waits until nothing more is written. */
  async close(): Promise<void> {
    await this.#changing;
  }

  #inOrder(change: () => Promise<void>): Promise<void> {
    const done = this.#changing.then(change);
    // Whoever asked is told what failed; what comes after stands on its own.
    this.#changing = done.catch(() => undefined);
    return done;
  }
}

export async function forgetVersions(store: StateStore, processor: string): Promise<void> {
  for (const key of await store.list(prefixOf(processor))) await store.delete(key);
}

function encode({ name, version, output, error, emptyOutput }: SettlingSpec): Uint8Array {
  return utf8(JSON.stringify({ format: FORMAT, name, version, output, error, emptyOutput }));
}

/** undefined: damaged, or of another format. */
function parse(bytes: Uint8Array): SettlingSpec | undefined {
  const { format, name, version, output, error, emptyOutput } = readStoredJson(bytes) ?? {};
  if (format !== FORMAT) return undefined;
  if (typeof name !== "string" || typeof version !== "string") return undefined;
  if (output !== null && typeof output !== "string") return undefined;
  if (emptyOutput !== "send" && emptyOutput !== "drop") return undefined;
  return isErrorTopic(error) ? { name, version, output, error, emptyOutput } : undefined;
}

function isErrorTopic(error: unknown): error is SettlingSpec["error"] {
  if (typeof error !== "object") return false;
  if (error === null) return true;
  const { topic, value } = error as { topic?: unknown; value?: unknown };
  return typeof topic === "string" && (value === "stdout" || value === "input");
}

function prefixOf(processor: string): string {
  return `processors/${processor}/versions/`;
}

function keyOf(processor: string, version: string): string {
  return `${prefixOf(processor)}${version}`;
}
