/** Every answer begins with the number of its request. */
const LEAST_BYTES = 4;
/** No batch is larger than the largest request (100 MiB), nor an answer much larger than what we ask for and one batch. */
const MOST_BYTES = 128 * 1024 * 1024;
const LENGTH_BYTES = 4;

/**
 * Watches over the lengths of a broker's answers, chunk by chunk, since kafkajs believes them all: a negative one, or one
 * too small for an answer, it meets with an exception that nobody catches, and one of two gigabytes by waiting for it.
 */
export class AnswerGuard {
  /** Of the present answer, still to come. */
  #remaining = 0;
  /** The length that is arriving, as far as it is here. */
  #length = 0;
  #lengthBytes = 0;

  /** Why the bytes are no answers, or undefined where they may be. After a problem it is of no more use. */
  problem(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.byteLength; ) {
      if (this.#remaining > 0) {
        const passed = Math.min(this.#remaining, chunk.byteLength - at);
        this.#remaining -= passed;
        at += passed;
        continue;
      }
      this.#length = (this.#length << 8) | (chunk[at++] ?? 0);
      if (++this.#lengthBytes < LENGTH_BYTES) continue;
      if (this.#length < LEAST_BYTES || this.#length > MOST_BYTES) {
        return `an answer claims ${this.#length} bytes, must have ${LEAST_BYTES} to ${MOST_BYTES}`;
      }
      this.#remaining = this.#length;
      this.#length = 0;
      this.#lengthBytes = 0;
    }
    return undefined;
  }
}
