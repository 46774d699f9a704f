/*
 * Metrics as data, in Prometheus' terms, so that whoever counts need not know how they are shown. src/api/metrics.ts
 * writes the text.
 */

/** Never a key, an offset or a task id as a label: each value of a label is a time series of its own. */
export type MetricLabels = Readonly<Record<string, string>>;

export interface MetricSample {
  readonly labels: MetricLabels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: MetricLabels;
  /** Upper bounds, ascending, without infinity; `counts[i]` are the observations at or below `bounds[i]`. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

/**
 * `name` begins with `brigade_` (unless users know the same figure by another name), is in base units, and ends in
 * `_total` where it is a counter.
 */
export type MetricFamily =
  | {
      readonly type: "counter" | "gauge";
      readonly name: string;
      readonly help: string;
      readonly samples: readonly MetricSample[];
    }
  | {
      readonly type: "histogram";
      readonly name: string;
      readonly help: string;
      readonly samples: readonly HistogramSample[];
    };
