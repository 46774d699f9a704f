/** How the reading of a stream came to its end. */
export type PipeEnd = "closed" | "stopped" | { readonly error: unknown };

export interface PipeReading {
  /** Never rejects. */
  readonly end: Promise<PipeEnd>;
  /** Reads no more and closes our end. Idempotent. */
  stop(): void;
}

/** Hands each chunk of `stream` to `onChunk` until it ends, fails or is stopped. */
export function readPipe(stream: ReadableStream<Uint8Array>, onChunk: (chunk: Uint8Array) => void): PipeReading {
  const reader = stream.getReader();
  let stopped = false;
  const read = async (): Promise<PipeEnd> => {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (stopped) return "stopped";
        if (done) return "closed";
        onChunk(value);
      }
    } catch (error) {
      return { error };
    }
  };
  return {
    end: read(),
    stop() {
      if (stopped) return;
      stopped = true;
      // Settles the pending read as done. What cancelling itself may report is of no use to anyone.
      reader.cancel().catch(() => undefined);
    },
  };
}
