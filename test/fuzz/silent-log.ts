import { createLogger } from "../../src/base/log.ts";
import { ManualClock } from "../support/manual-clock.ts";

export const silentLog = createLogger({ sink: () => undefined, level: "error", clock: new ManualClock() });
