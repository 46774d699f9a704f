import { invariant } from "../base/errors.ts";

const PAGE_BITS = 1024;
const PAGE_WORDS = PAGE_BITS / 32;
const ALL_ONES = 0xffff_ffff;

/**
 * Which offsets of one partition are done, as one number and a bitmap: every offset below {@link watermark} is, and the
 * bitmap tells of those above.
 *
 * Offsets that no reader ever sees (control records, what compaction removed) are added as done when the reader has
 * passed them, so that the watermark never waits for them.
 *
 * Adding is O(1) amortised, a range O(length / 1024). Memory: one bit an offset between the watermark and the highest
 * offset done, in pages that vanish as the watermark passes them; a full page costs nothing but its map entry.
 */
export class SettledOffsets {
  #watermark: number;
  /** Page number → its bits; `null` is a page with every bit set. */
  readonly #pages = new Map<number, Uint32Array | null>();
  /** One past the highest offset that is done; equals the watermark where nothing above it is. */
  #end: number;

  constructor(watermark: number) {
    this.#watermark = watermark;
    this.#end = watermark;
  }

  /** The lowest offset that is not done. */
  get watermark(): number {
    return this.#watermark;
  }

  /** One past the highest offset done; the watermark itself where nothing above it is done. */
  get end(): number {
    return this.#end;
  }

  has(offset: number): boolean {
    if (offset < this.#watermark) return true;
    if (offset >= this.#end) return false;
    const page = this.#pages.get(Math.floor(offset / PAGE_BITS));
    if (page === undefined) return false;
    return page === null || bitOf(page, offset % PAGE_BITS);
  }

  /** @returns whether the offset was not done before */
  add(offset: number): boolean {
    if (this.has(offset)) return false;
    if (offset === this.#watermark) {
      // The common case, completion in order: nothing is written to the bitmap at all.
      this.#watermark++;
      if (this.#end < this.#watermark) this.#end = this.#watermark;
      else this.#advance();
      return true;
    }
    this.#setBits(offset, offset + 1);
    if (offset >= this.#end) this.#end = offset + 1;
    return true;
  }

  /** Adds `start` up to, but not including, `end`. */
  addRange(start: number, end: number): void {
    const from = Math.max(start, this.#watermark);
    if (from >= end) return;
    if (from === this.#watermark) {
      this.#watermark = end;
      if (this.#end < end) this.#end = end;
      for (const page of [...this.#pages.keys()]) if ((page + 1) * PAGE_BITS <= end) this.#pages.delete(page);
      this.#advance();
      return;
    }
    this.#setBits(from, end);
    if (end > this.#end) this.#end = end;
  }

  /** The runs [start, end) of done offsets above the watermark, in order. */
  *runsAbove(): Generator<readonly [start: number, end: number]> {
    let start = -1;
    let offset = this.#watermark;
    while (offset < this.#end) {
      const page = this.#pages.get(Math.floor(offset / PAGE_BITS));
      const bit = offset % PAGE_BITS;
      const word = page === undefined ? 0 : page === null ? ALL_ONES : (page[bit >>> 5] ?? 0) >>> 0;
      if (bit % 32 === 0 && (word === 0 || word === ALL_ONES)) {
        if (word === 0 && start >= 0) {
          yield [start, offset];
          start = -1;
        }
        if (word !== 0 && start < 0) start = offset;
        // A page that is missing or full is passed in one step.
        offset += bit === 0 && (page === undefined || page === null) ? PAGE_BITS : 32;
        continue;
      }
      const done = (word & (1 << (bit & 31))) !== 0;
      if (done && start < 0) start = offset;
      if (!done && start >= 0) {
        yield [start, offset];
        start = -1;
      }
      offset++;
    }
    if (start >= 0) yield [start, this.#end];
  }

  #setBits(start: number, end: number): void {
    for (let offset = start; offset < end; ) {
      const number = Math.floor(offset / PAGE_BITS);
      const pageStart = number * PAGE_BITS;
      const pageEnd = pageStart + PAGE_BITS;
      const until = Math.min(end, pageEnd);
      if (offset === pageStart && until === pageEnd) {
        this.#pages.set(number, null);
      } else {
        let page = this.#pages.get(number);
        if (page === undefined) {
          page = new Uint32Array(PAGE_WORDS);
          this.#pages.set(number, page);
        }
        if (page !== null) {
          for (let bit = offset - pageStart; bit < until - pageStart; bit++) {
            page[bit >>> 5] = (page[bit >>> 5] ?? 0) | (1 << (bit & 31));
          }
          if (page.every((word) => word === ALL_ONES)) this.#pages.set(number, null);
        }
      }
      offset = until;
    }
  }

  /** Moves the watermark over what is done already. Each offset is passed once in its life. */
  #advance(): void {
    while (this.#watermark < this.#end) {
      const number = Math.floor(this.#watermark / PAGE_BITS);
      const page = this.#pages.get(number);
      const bit = this.#watermark % PAGE_BITS;
      if (page === null) {
        this.#watermark = Math.min(this.#end, (number + 1) * PAGE_BITS);
      } else if (page !== undefined && bitOf(page, bit)) {
        this.#watermark++;
      } else {
        break;
      }
      if (this.#watermark % PAGE_BITS === 0 || this.#watermark === this.#end) this.#pages.delete(number);
    }
    invariant(this.#watermark <= this.#end, "the watermark passed the highest settled offset");
  }
}

function bitOf(page: Uint32Array, bit: number): boolean {
  return ((page[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
}
