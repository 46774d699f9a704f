import { saslUser } from "../../support/real-kafka.ts";
import type { RunningKafka } from "./context.ts";
import { kafkaContract } from "./contract.ts";
import { startEmbedded } from "./embedded.ts";

kafkaContract({ name: "the embedded broker", start });

async function start(): Promise<RunningKafka> {
  const open = await startEmbedded({ config: { logRetentionCheckIntervalMs: 200 } });
  const users = new Map([[saslUser.username, saslUser.password]]);
  const guarded = await startEmbedded({ config: { users } });
  return {
    ...open,
    saslAddress: guarded.address,
    async stop() {
      await open.stop();
      await guarded.stop();
    },
  };
}
