/** `[number, type, label, extra]`; message and enum types carry their whole name, package included. */
export type FieldEntry = readonly [
  number: number,
  type: string,
  label: string,
  extra?: { readonly default?: string | number | boolean; readonly deprecated?: boolean },
];

/** proto/ as data: message → field → entry, enum → name → number. Fields stand in declared order. */
export interface SchemaTable {
  readonly messages: Readonly<Record<string, Readonly<Record<string, FieldEntry>>>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}
