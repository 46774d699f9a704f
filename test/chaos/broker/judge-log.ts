/** A batch that the broker acknowledged: the numbers of its records, and the offset that it named for the first. */
export interface AcknowledgedBatch {
  readonly first: number;
  readonly count: number;
  readonly offset: number;
}

export interface LogVerdict {
  readonly acknowledged: number;
  /** Acknowledged records that are nowhere. */
  readonly lost: number;
  /** Records beyond the first of their number. */
  readonly twice: number;
  /** Acknowledged records that are somewhere else than the broker said. */
  readonly misplaced: number;
}

/** @param log numbers of the records of a partition, by offset */
export function judgeLog(batches: readonly AcknowledgedBatch[], log: readonly number[]): LogVerdict {
  const present = new Set(log);
  const verdict = { acknowledged: 0, lost: 0, twice: log.length - present.size, misplaced: 0 };
  for (const { first, count, offset } of batches) {
    verdict.acknowledged += count;
    for (let index = 0; index < count; index++) {
      if (!present.has(first + index)) verdict.lost++;
      else if (log[offset + index] !== first + index) verdict.misplaced++;
    }
  }
  return verdict;
}

export function addVerdicts(verdicts: readonly LogVerdict[]): LogVerdict {
  return verdicts.reduce(
    (sum, one) => ({
      acknowledged: sum.acknowledged + one.acknowledged,
      lost: sum.lost + one.lost,
      twice: sum.twice + one.twice,
      misplaced: sum.misplaced + one.misplaced,
    }),
    { acknowledged: 0, lost: 0, twice: 0, misplaced: 0 },
  );
}
