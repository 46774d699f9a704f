/** The answer to a call that is refused: other than 202, with its words. */
export interface CallRefusal {
  readonly status: number;
  readonly message: string;
}
