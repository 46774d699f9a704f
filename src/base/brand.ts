declare const brand: unique symbol;

/** A string that cannot be mistaken for another kind of string: `Brand<"TaskId">`. */
export type Brand<Name extends string> = string & { readonly [brand]: Name };
