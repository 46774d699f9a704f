import { concatBytes, showUtf8 } from "../base/bytes.ts";
import type { ConnectionLostError, HttpProtocolError } from "./errors.ts";
import type { HttpSink } from "./http-connection.ts";

export interface HttpAnswer {
  readonly status: number;
  /** The beginning of the body as text, for people. */
  readonly text: string;
}

/** Bytes of a plain answer that are kept: those of Mesos are a sentence. */
const MAX_TEXT_BYTES = 64 * 1024;

/** A sink for plain answers. The rest of a longer body is read and dropped. */
export function collectAnswer(
  onAnswer: (answer: HttpAnswer) => void,
  onFailed: (error: ConnectionLostError | HttpProtocolError) => void,
): HttpSink {
  let status = 0;
  let kept = 0;
  const parts: Uint8Array[] = [];
  return {
    head: (head) => {
      status = head.status;
    },
    data: (data) => {
      const part = data.subarray(0, MAX_TEXT_BYTES - kept);
      kept += part.byteLength;
      if (part.byteLength > 0) parts.push(part);
    },
    end: () => onAnswer({ status, text: kept === 0 ? "" : showUtf8(concatBytes(parts)) }),
    failed: onFailed,
  };
}
