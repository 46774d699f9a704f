/** Small durable state of one deployment: a key is a path of name parts, a value a few kilobytes. */
export interface StateStore {
  /** The stored bytes, or undefined where nothing was ever stored. */
  read(key: string): Promise<Uint8Array | undefined>;
  /** Resolves once the value would survive a power loss. Replaces the old value as a whole or not at all. */
  write(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  /** Keys that begin with `prefix`, sorted. */
  list(prefix: string): Promise<readonly string[]>;
  /** Gives the lock back. */
  close(): Promise<void>;
}
