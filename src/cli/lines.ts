import { concatBytes } from "../base/bytes.ts";

const LINE_FEED = 0x0a;

/**
 * Splits bytes at each line feed, which is left out; whatever else there is stays as it is. What follows the last line
 * feed is a line if it is not empty.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      rest.push(chunk.subarray(from, end));
      yield concatBytes(rest);
      rest = [];
      from = end + 1;
    }
    if (from < chunk.byteLength) rest.push(chunk.slice(from));
  }
  if (rest.length > 0) yield concatBytes(rest);
}
