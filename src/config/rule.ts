import type { ProcessorForm } from "./processor-form.ts";

/** What a rule found; `path` begins below the processor. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint?: string;
}

/** A form of which the fields with mistakes are left out, and the names of all fields that the user wrote. */
export interface CheckedForm {
  readonly form: Partial<ProcessorForm>;
  readonly given: ReadonlySet<string>;
}

/** What must hold between several fields of one processor. */
export type Rule = (checked: CheckedForm) => readonly Finding[];

export const error = (path: Finding["path"], message: string, hint?: string): Finding =>
  hint === undefined ? { severity: "error", path, message } : { severity: "error", path, message, hint };

export const warning = (path: Finding["path"], message: string): Finding => ({ severity: "warning", path, message });
