import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode, InputError } from "../../../base/errors.ts";
import type { AgentId } from "../../../mesos/types.ts";

/** What an agent keeps over restarts: executors that outlive it look for it under the same id and port. */
export interface AgentIdentity {
  readonly id: AgentId;
  /** 0: any. */
  readonly port: number;
}

const FILE = "agent.json";

/** The identity that is stored in `workDir`, or undefined for a new agent. */
export function readIdentity(workDir: string): AgentIdentity | undefined {
  const path = join(workDir, FILE);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && "id" in value && "port" in value) {
    const { id, port } = value;
    if (typeof id === "string" && typeof port === "number") return { id: id as AgentId, port };
  }
  throw new InputError(`Cannot read ${path}: must be {"id": text, "port": number}`);
}

export function writeIdentity(workDir: string, identity: AgentIdentity): void {
  mkdirSync(workDir, { recursive: true });
  const path = join(workDir, FILE);
  writeFileSync(`${path}.new`, `${JSON.stringify(identity)}\n`);
  renameSync(`${path}.new`, path);
}
