import { test } from "bun:test";
import { embeddedKafka, kafkas, type TestKafka } from "./kafkas.ts";
import { World } from "./world.ts";

export interface EndToEndOptions {
  /** Why the test cannot run on this machine; it is then skipped, and its name tells so. */
  readonly skip?: string | undefined;
  readonly timeoutMs?: number;
  /** Beside its neighbours that are so as well: for tests that mostly wait. */
  readonly concurrent?: boolean;
}

/** Whatever waits inside gives up first and says for what; this only ends what hangs without waiting for anything. */
const TIMEOUT_MS = 600_000;

type Body = (world: World) => Promise<void>;

/**
 * A test that runs on each of {@link kafkas}, with a {@link World} of its own every time. When it passes, nothing that was
 * started may be left; when it fails, its folder stays, with the logs, and the path is printed.
 */
export function endToEnd(name: string, body: Body, options: EndToEndOptions = {}): void {
  for (const kafka of kafkas) endToEndOn(kafka, `${name} (${kafka.name})`, body, options);
}

/** For what has to do with no other Kafka than the embedded one: with that itself, or with none. */
export function endToEndOnce(name: string, body: Body, options: EndToEndOptions = {}): void {
  endToEndOn(embeddedKafka, name, body, options);
}

function endToEndOn(
  kafka: TestKafka,
  name: string,
  body: Body,
  { skip = kafka.missing, timeoutMs = TIMEOUT_MS, concurrent = false }: EndToEndOptions,
): void {
  if (skip !== undefined) {
    test.skip(`${name} [${skip}]`, () => undefined);
    return;
  }
  const run = async (): Promise<void> => {
    const lent = await kafka.lend();
    const world = await World.create({ kafka: lent });
    try {
      await body(world);
      await world.close();
    } catch (error) {
      await world.abandon();
      await lent?.discard();
      process.stderr.write(`${name}: logs are kept in ${world.folder}\n`);
      throw error;
    }
    await lent?.giveBack();
  };
  (concurrent ? test.concurrent : test)(name, run, timeoutMs);
}
