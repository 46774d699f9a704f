/** A mistake in what a user wrote, or something that is probably not meant. All of them are reported at once. */
export interface Problem {
  /** An error keeps the file, or the settings, from being used; a warning does not. */
  readonly severity: "error" | "warning";
  readonly file: string;
  /** Where in the file: a JSON path such as `$[1].retry.attempts`, or the key of a setting. */
  readonly path: string;
  /** What is so, and what it must be: `retry.attempts is -1, must be a whole number, 1 or more`. No full stop. */
  readonly message: string;
  /** What was probably meant: `did you mean "output"?` */
  readonly hint?: string | undefined;
  /** 1 for the first line. Absent where the place is no place in a file. */
  readonly line?: number | undefined;
  /** 1 for the first character. */
  readonly column?: number | undefined;
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === "error");
}

/** The order of files and lines. */
export function byPlace(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

/** One line for people: `a.json:3:5: error at $.retry.attempts: retry.attempts is -1, must be … (hint)`. */
export function formatProblem({ severity, file, path, message, hint, line, column }: Problem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  return `${place}: ${severity} at ${path}: ${message}${hint === undefined ? "" : ` (${hint})`}`;
}

/** A value as the user wrote it, short enough for a message. */
export function showValue(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}
