import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKafkaBroker } from "../../../scripts/lib/kafka-broker.ts";
import { runBrokerKills } from "./broker-kills.ts";

/* A short run of `scripts/chaos --what broker`. */

const TIMEOUT_MS = 300_000;

test(
  "a broker that is killed again and again loses nothing that it acknowledged and writes nothing twice",
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "brigade-broker-kills-"));
    try {
      const result = await runBrokerKills({
        start: (port) => startKafkaBroker({ dataDir, port }),
        seed: 1,
        kills: 4,
        forMs: Number.POSITIVE_INFINITY,
        everyMs: 500,
      });
      expect(result).toMatchObject({ kills: 4, lost: 0, twice: 0, misplaced: 0 });
      // Every kill found batches on their way, and something was acknowledged in each life.
      expect(result.sentAgain).toBeGreaterThan(0);
      expect(result.batches).toBeGreaterThanOrEqual(4);
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  },
  TIMEOUT_MS,
);
