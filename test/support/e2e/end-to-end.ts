import { test } from "bun:test";
import { World } from "./world.ts";

export interface EndToEndOptions {
  /** Why the test cannot run on this machine; it is then skipped, and its name tells so. */
  readonly skip?: string | undefined;
  readonly timeoutMs?: number;
  /** Beside its neighbours that are so as well: for tests that mostly wait. */
  readonly concurrent?: boolean;
}

/** Whatever waits inside gives up first and says for what; this only ends what hangs without waiting for anything. */
const TIMEOUT_MS = 240_000;

/**
 * A test with a {@link World} of its own. When it passes, nothing that was started may be left; when it fails, its folder
 * stays, with the logs, and the path is printed.
 */
export function endToEnd(
  name: string,
  body: (world: World) => Promise<void>,
  { skip, timeoutMs = TIMEOUT_MS, concurrent = false }: EndToEndOptions = {},
): void {
  if (skip !== undefined) {
    test.skip(`${name} [${skip}]`, () => undefined);
    return;
  }
  const run = async (): Promise<void> => {
    const world = await World.create();
    try {
      await body(world);
      await world.close();
    } catch (error) {
      await world.abandon();
      process.stderr.write(`${name}: logs are kept in ${world.folder}\n`);
      throw error;
    }
  };
  (concurrent ? test.concurrent : test)(name, run, timeoutMs);
}
