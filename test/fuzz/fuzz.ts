import { type Random, randomInt, seededRandom } from "../../src/base/random.ts";
import { MemoryBound, MemoryGrowthError } from "./memory.ts";
import { mutated } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";

export interface FuzzReport {
  readonly inputs: number;
  /** Read to the end. */
  readonly accepted: number;
  /** The first input at which something else was thrown than a refusal, or after which memory was over its bound. */
  readonly failure: FuzzFailure | undefined;
}

export interface FuzzFailure {
  /** Of the input: with the seed it can be had again. */
  readonly number: number;
  readonly input: Uint8Array;
  readonly error: unknown;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly inputs: number;
  /** Of the first input. Default 0. */
  readonly from?: number;
  /** How much memory the process may take beyond what it has. Default 512 MiB from now on. */
  readonly memory?: MemoryBound;
}

const MEMORY_GROWTH_BYTES = 512 * 1024 * 1024;
/** Some of what a decoder leaves is cleared away by the event loop alone (zlib closes its engines there). */
const INPUTS_A_TURN = 256;
/** To look at memory costs as much as some inputs. */
const TURNS_A_LOOK = 8;

/**
 * Feeds a decoder inputs by chance until one of them shows a bug. The same seed gives the same inputs; where they share a
 * state, those before the first one that belong to the same state are fed as well, and not counted.
 */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const { seed, inputs, from = 0, memory = new MemoryBound(MEMORY_GROWTH_BYTES) } = options;
  const { samples, read, refusals, state } = target;
  let accepted = 0;
  for (let number = from - (state === undefined ? 0 : from % state.inputs); number < from + inputs; number++) {
    if (state !== undefined && number % state.inputs === 0) state.renew();
    const random = seededRandom(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(number + 1, 0x85eb_ca6b));
    const input = mutated(samples, random);
    try {
      const reading = read(input, random);
      // Most have read it now, and a turn for each would be slow.
      if (reading !== undefined) await reading;
      if (number >= from) accepted++;
    } catch (error) {
      if (!refusals.some((refusal) => error instanceof refusal)) {
        return { inputs: number - from + 1, accepted, failure: { number, input, error } };
      }
    }
    if (number % INPUTS_A_TURN !== 0) continue;
    await new Promise(setImmediate);
    if (number % (INPUTS_A_TURN * TURNS_A_LOOK) !== 0) continue;
    try {
      memory.check();
    } catch (error) {
      if (!(error instanceof MemoryGrowthError)) throw error;
      return { inputs: number - from + 1, accepted, failure: { number, input, error } };
    }
  }
  return { inputs, accepted, failure: undefined };
}

/** The input in pieces, as it could come over a socket. */
export function cut(input: Uint8Array, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < input.byteLength; ) {
    const length = 1 + randomInt(random, random.next() < 0.5 ? 4 : input.byteLength);
    pieces.push(input.subarray(at, at + length));
    at += length;
  }
  return pieces;
}
