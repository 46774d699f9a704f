import { type Random, randomInt, seededRandom } from "../../src/base/random.ts";
import { mutated } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";

export interface FuzzReport {
  readonly inputs: number;
  /** Read to the end. */
  readonly accepted: number;
  /** The first input at which something else was thrown than a refusal. */
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
}

/** Feeds a decoder inputs by chance until one of them shows a bug. The same seed gives the same inputs. */
export function fuzz(target: FuzzTarget, { seed, inputs, from = 0 }: FuzzOptions): FuzzReport {
  let accepted = 0;
  for (let number = from; number < from + inputs; number++) {
    const random = seededRandom(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(number + 1, 0x85eb_ca6b));
    const input = mutated(target.samples, random);
    try {
      target.read(input, random);
      accepted++;
    } catch (error) {
      if (target.refusals.some((refusal) => error instanceof refusal)) continue;
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
