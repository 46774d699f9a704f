import type { Random } from "../../src/base/random.ts";

/** A decoder that anybody on the network can feed. */
export interface FuzzTarget {
  /** `zookeeper/reply`. */
  readonly name: string;
  /** Sound inputs, which are spoilt in many ways. */
  readonly samples: readonly Uint8Array[];
  /** Reads an input as far as it goes. What belongs to a stream is cut into chunks by chance. */
  readonly read: (input: Uint8Array, random: Random) => void | Promise<void>;
  /** What it may throw: anything else is a bug. */
  readonly refusals: readonly (abstract new (
    ...args: never[]
  ) => Error)[];
  /** Of a target in which one input leaves something behind for the next. */
  readonly state?: FuzzState;
}

export interface FuzzState {
  /** So many inputs one after another share it. */
  readonly inputs: number;
  /** Begins it anew. */
  readonly renew: () => void;
}
