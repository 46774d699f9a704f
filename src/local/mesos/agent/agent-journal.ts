import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { AgentFact } from "./agent-memory.ts";

const FILE = "journal.ndjson";
/** Below this size the journal is never written anew. */
const SMALL_BYTES = 4 * 1024 * 1024;
/** It is written anew when it has grown by this factor since the last time. */
const GROWTH = 4;

/** Reads the facts of an earlier life. A last line that was cut off by a crash is left out. */
export function readJournal(workDir: string, log: Logger): AgentFact[] {
  let text: string;
  try {
    text = readFileSync(join(workDir, FILE), "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
  const facts: AgentFact[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    try {
      // The writer is this very file.
      facts.push(JSON.parse(line, reviveBytes) as AgentFact);
    } catch (error) {
      log.warn("journal of the agent ends in half a line", { error });
      break;
    }
  }
  return facts;
}

/**
 * The agent's memory on disk: facts are appended, and written at the end of the
 * event loop's turn or by {@link AgentJournal.flush}. They survive
 * the death of the process, not that of the machine, whose executors would be gone as well.
 */
export class AgentJournal {
  readonly #path: string;
  readonly #snapshot: () => readonly AgentFact[];
  #file: number | undefined;
  #lines: string[] = [];
  #bytes = 0;
  #compactAtBytes = SMALL_BYTES;

  /** @param snapshot the facts that say what the agent knows now, to write a journal anew that has grown long */
  constructor(workDir: string, snapshot: () => readonly AgentFact[]) {
    mkdirSync(workDir, { recursive: true });
    this.#path = join(workDir, FILE);
    this.#snapshot = snapshot;
  }

  append(fact: AgentFact): void {
    if (this.#lines.length === 0) setImmediate(() => this.flush());
    this.#lines.push(lineOf(fact));
  }

  /** Writes what was appended. */
  flush(): void {
    if (this.#lines.length === 0 || this.#file === undefined) return;
    const text = this.#lines.join("");
    this.#lines = [];
    this.#bytes += write(this.#file, text);
    if (this.#bytes > this.#compactAtBytes) this.compact();
  }

  /** Writes the journal anew: as a whole or not at all. */
  compact(): void {
    const path = `${this.#path}.new`;
    const text = this.#snapshot().map(lineOf).join("");
    const file = openSync(path, "w");
    this.#bytes = write(file, text);
    renameSync(path, this.#path);
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = file;
    // What waits to be written is part of the snapshot.
    this.#lines = [];
    this.#compactAtBytes = Math.max(SMALL_BYTES, this.#bytes * GROWTH);
  }

  close(): void {
    this.flush();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function write(file: number, text: string): number {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.byteLength; ) at += writeSync(file, bytes, at);
  return bytes.byteLength;
}

const BYTES = "$base64";

function lineOf(fact: AgentFact): string {
  const json = JSON.stringify(fact, (_, value: unknown) =>
    value instanceof Uint8Array
      ? { [BYTES]: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") }
      : value,
  );
  return `${json}\n`;
}

function reviveBytes(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !(BYTES in value)) return value;
  return new Uint8Array(Buffer.from(String(value[BYTES]), "base64"));
}
