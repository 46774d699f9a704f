import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { KafkaAdmin } from "../kafka/admin.ts";

const RETRY: BackoffOptions = { initialMs: 500, maxMs: 15_000 };
/** The broker's own defaults. */
const SHAPE = { partitions: -1, replication: -1 };

export interface UsableTopicsOptions {
  readonly admin: Pick<KafkaAdmin, "ensureTopics">;
  /** Asked at each try: a change of the specification may name others meanwhile. */
  readonly topics: () => readonly string[];
  /** Whether missing ones are made. Topics are never made silently: this is TOPICS_CREATE. */
  readonly create: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Told which of them did not exist, whether or not they were made since. */
  readonly onAbsent: (topics: readonly string[]) => void;
  /** Told after each try that failed, in words for people. */
  readonly onTrouble: (trouble: string) => void;
}

/** Resolves once all topics exist; rejects with the signal's reason. */
export async function untilTopicsUsable(options: UsableTopicsOptions): Promise<void> {
  const { clock, random, signal, onTrouble } = options;
  for (let attempt = 1; ; attempt++) {
    const trouble = await troubleOf(options);
    signal.throwIfAborted();
    if (trouble === undefined) return;
    onTrouble(trouble);
    await clock.sleep(backoffMs(RETRY, attempt, random), { signal });
  }
}

async function troubleOf({ admin, topics, create, onAbsent }: UsableTopicsOptions): Promise<string | undefined> {
  try {
    const { created, missing } = await admin.ensureTopics(topics(), create ? SHAPE : null);
    if (created.length + missing.length > 0) onAbsent([...created, ...missing]);
    if (missing.length === 0) return undefined;
    const names = missing.map((topic) => `"${topic}"`).join(", ");
    const verb = missing.length === 1 ? "does" : "do";
    return `Cannot use ${missing.length === 1 ? "topic" : "topics"} ${names}: ${verb} not exist, must be made, or TOPICS_CREATE be true`;
  } catch (error) {
    return describeError(error);
  }
}
