import type { Random } from "../../src/base/random.ts";
import type { Fact, SchedulerName } from "./facts.ts";
import type { Faults } from "./faults.ts";
import type { Life } from "./life.ts";
import type { Machines } from "./machines.ts";
import type { VirtualTime } from "./time.ts";

/** What every part of a scheduler's process shares. */
export interface ProcessContext {
  readonly name: SchedulerName;
  readonly life: Life;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: Faults;
  readonly machines: Machines;
  readonly observe: (fact: Fact) => void;
  /** Performs an effect on the world, unless the process is dead or dies just before it; it may also die just after. */
  readonly effect: (perform: () => void) => void;
}
