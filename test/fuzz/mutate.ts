import { concatBytes, decodeUtf8, utf8 } from "../../src/base/bytes.ts";
import { type Random, randomInt } from "../../src/base/random.ts";
import { spoiltJson } from "./spoilt-json.ts";

/** Longer inputs show nothing that shorter ones do not. */
const MAX_BYTES = 64 * 1024;

/** Lengths and counts that decoders get wrong. */
const numbers: readonly number[] = [0, 1, -1, -2, 127, 128, 255, 256, 32_767, -32_768, 65_535, 2 ** 31 - 1, -(2 ** 31)];

/** An input by chance: noise now and then, mostly a sound one that was spoilt once or a few times. */
export function mutated(samples: readonly Uint8Array[], random: Random): Uint8Array {
  const sample = samples[randomInt(random, samples.length)];
  if (sample === undefined || random.next() < 0.05) return noise(random, randomInt(random, 300));
  const json = jsonOf(sample);
  if (json !== undefined && random.next() < 0.5) return utf8(JSON.stringify(spoiltJson(json, random)));
  // Of a Buffer, slice() would be no copy.
  let input: Uint8Array = new Uint8Array(sample);
  for (let times = 1 + randomInt(random, 4); times > 0; times--) {
    const mutation = mutations[randomInt(random, mutations.length)];
    if (mutation !== undefined) input = mutation(input, random, samples);
  }
  return input.subarray(0, MAX_BYTES);
}

const parsed = new WeakMap<Uint8Array, { readonly json: object | undefined }>();

/** Of JSON that is spoilt byte by byte little gets through the parser: it is spoilt by its values as well. */
function jsonOf(sample: Uint8Array): object | undefined {
  const known = parsed.get(sample);
  if (known !== undefined) return known.json;
  const found = { json: parseObject(sample) };
  parsed.set(sample, found);
  return found.json;
}

function parseObject(sample: Uint8Array): object | undefined {
  try {
    const json: unknown = JSON.parse(decodeUtf8(sample) ?? "");
    return typeof json === "object" && json !== null ? json : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** May change its input in place. */
type Mutation = (input: Uint8Array, random: Random, samples: readonly Uint8Array[]) => Uint8Array;

const mutations: readonly Mutation[] = [
  /** A bit. */
  (input, random) => {
    const at = randomInt(random, input.byteLength);
    input[at] = (input[at] ?? 0) ^ (1 << randomInt(random, 8));
    return input;
  },
  /** A byte. */
  (input, random) => {
    if (input.byteLength > 0) input[randomInt(random, input.byteLength)] = randomInt(random, 256);
    return input;
  },
  /** A number of 16 or 32 bits, in either order. */
  (input, random) => {
    const bytes = random.next() < 0.5 ? 2 : 4;
    if (input.byteLength < bytes) return input;
    const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    const at = randomInt(random, input.byteLength - bytes + 1);
    const value = numbers[randomInt(random, numbers.length)] ?? 0;
    if (bytes === 2) view.setInt16(at, value, random.next() < 0.3);
    else view.setInt32(at, value, random.next() < 0.3);
    return input;
  },
  /** The end is missing. */
  (input, random) => input.subarray(0, randomInt(random, input.byteLength + 1)),
  /** The beginning is missing. */
  (input, random) => input.subarray(randomInt(random, input.byteLength + 1)),
  /** A part is missing. */
  (input, random) => {
    const [from, to] = range(input, random);
    return concatBytes([input.subarray(0, from), input.subarray(to)]);
  },
  /** A part comes twice, or many times. */
  (input, random) => {
    const [from, to] = range(input, random);
    const part = input.subarray(from, to);
    const times = random.next() < 0.9 ? 2 : 50;
    return concatBytes([input.subarray(0, from), ...Array.from({ length: times }, () => part), input.subarray(to)]);
  },
  /** Noise in the midst. */
  (input, random) => {
    const at = randomInt(random, input.byteLength + 1);
    return concatBytes([input.subarray(0, at), noise(random, 1 + randomInt(random, 16)), input.subarray(at)]);
  },
  /** The beginning of one, the end of another. */
  (input, random, samples) => {
    const other = samples[randomInt(random, samples.length)] ?? input;
    const [at] = range(input, random);
    return concatBytes([input.subarray(0, at), other.subarray(randomInt(random, other.byteLength + 1))]);
  },
];

function range(input: Uint8Array, random: Random): readonly [from: number, to: number] {
  const from = randomInt(random, input.byteLength + 1);
  return [from, from + randomInt(random, input.byteLength - from + 1)];
}

function noise(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => randomInt(random, 256));
}
