/*
 * 64-bit integers as JavaScript numbers. Offsets, timestamps and producer ids stay far below 2^53; a value beyond it
 * is no value that a client can mean, and its reader decides what that is worth.
 */

/** Big-endian. Not exact beyond 2^53: check with `Number.isSafeInteger`. */
export function readInt64(view: DataView, at: number): number {
  return view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
}

/** Big-endian. `value` must be a safe integer. */
export function writeInt64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  view.setInt32(at, high);
  view.setUint32(at + 4, value - high * 0x1_0000_0000);
}
