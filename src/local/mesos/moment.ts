/** The time of a step: deadlines go by `monotonicMs`, timestamps that others see by `wallMs`. */
export interface Moment {
  readonly monotonicMs: number;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
}
