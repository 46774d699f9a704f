import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ContentType } from "../../src/mesos/codec.ts";

/*
 * Reads test/recordings: conversations with a real Mesos master and agent. Their format stands in the README there.
 */

const folder = join(import.meta.dir, "../recordings");

export interface RecordedLine {
  readonly t: number;
  readonly conn: string;
  readonly dir: ">" | "<" | "-";
  readonly kind: "request" | "response-head" | "response-body" | "event" | "chunk" | "close" | "note";
  readonly method?: string;
  readonly path?: string;
  readonly status?: number;
  readonly reason?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly b64?: string;
  readonly decoded?: unknown;
  readonly how?: string;
  readonly cut?: number;
}

export interface Recording {
  readonly name: string;
  readonly contentType: ContentType;
  readonly lines: readonly RecordedLine[];
}

export function recordingNames(ending = ""): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(`${ending}.ndjson`))
    .map((name) => name.replace(/\.ndjson$/, ""))
    .sort();
}

export function readRecording(name: string): Recording {
  const [head, ...lines] = readFileSync(join(folder, `${name}.ndjson`), "utf8")
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  const { encoding } = head as { encoding: string };
  return {
    name,
    contentType: encoding === "protobuf" ? "application/x-protobuf" : "application/json",
    lines: lines as RecordedLine[],
  };
}

/** The bytes of a message, as they were on the wire or (JSON) equal to them in meaning. */
export function messageBytes(line: RecordedLine): Uint8Array {
  if (line.b64 !== undefined) return new Uint8Array(Buffer.from(line.b64, "base64"));
  return new TextEncoder().encode(typeof line.body === "string" ? line.body : JSON.stringify(line.body));
}

export type MessageKind = "scheduler call" | "scheduler event" | "executor call" | "executor event";

/** What message a line holds; undefined where it holds none of these four. */
export function messageKind(line: RecordedLine): MessageKind | undefined {
  if (line.kind === "event") {
    if (line.conn.startsWith("exec-")) return "executor event";
    return line.conn.startsWith("sub-") ? "scheduler event" : undefined;
  }
  if (line.kind !== "request" || line.method !== "POST") return undefined;
  if (line.path?.endsWith("/api/v1/executor") === true) return "executor call";
  return line.path?.endsWith("/api/v1/scheduler") === true ? "scheduler call" : undefined;
}
