import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

/**
 * A file that is appended to and never grows past `maxBytes`: it then becomes `<path>.1`, in place of the older one.
 *
 * Writes are synchronous: whoever writes too much is slowed by it, and nothing waits in memory.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #maxBytes: number;
  #open: { readonly fd: number; size: number } | undefined;

  constructor(path: string, maxBytes: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /** @throws the file system's error; the next call tries anew */
  append(bytes: Uint8Array): void {
    if (this.#open !== undefined && this.#open.size > 0 && this.#open.size + bytes.byteLength > this.#maxBytes) {
      this.close();
      renameSync(this.#path, `${this.#path}.1`);
    }
    this.#open ??= this.#openFile();
    for (let at = 0; at < bytes.byteLength; ) {
      const written = writeSync(this.#open.fd, bytes, at);
      at += written;
      this.#open.size += written;
    }
  }

  /** Idempotent; a later {@link append} opens it again. */
  close(): void {
    if (this.#open === undefined) return;
    const { fd } = this.#open;
    this.#open = undefined;
    closeSync(fd);
  }

  #openFile(): { readonly fd: number; size: number } {
    const fd = openSync(this.#path, "a", 0o644);
    return { fd, size: fstatSync(fd).size };
  }
}
