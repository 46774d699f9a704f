import { decodeUtf8, utf8 } from "../base/bytes.ts";
import { BrigadeError } from "../base/errors.ts";

/*
 * What travels to an executor when it is started, in ExecutorInfo.data: `{"version":1,"idleTimeoutMs":60000}`. It comes
 * back in SUBSCRIBED. Fields that a later version adds are ignored here; another version number is refused.
 */

const CONFIG_VERSION = 1;

export interface ExecutorConfig {
  /** The executor leaves after it had no task for so long and every update was ACKNOWLEDGED. */
  readonly idleTimeoutMs: number;
}

/** Label of an executor's first status update: the version of Brigade that it runs. */
export const executorVersionLabel = "brigade-version";

/** Variable of an executor's environment: the deployment that it belongs to, by which its containers are labelled. */
export const deploymentVariable = "BRIGADE_DEPLOYMENT";

/**
 * Variable of an executor that runs in a container: where it sees the agent's folder of sandboxes, the
 * `<work_dir>/slaves/<agent id>` of its host.
 */
export const agentFolderVariable = "BRIGADE_AGENT_FOLDER";

/** Bytes that are no executor configuration of a version known here. */
export class ExecutorWireError extends BrigadeError {
  override readonly name = "ExecutorWireError";
  readonly code = "executor-wire";
  readonly fault = "bug";
}

export function encodeExecutorConfig({ idleTimeoutMs }: ExecutorConfig): Uint8Array {
  return utf8(JSON.stringify({ version: CONFIG_VERSION, idleTimeoutMs }));
}

/** @throws {ExecutorWireError} */
export function decodeExecutorConfig(bytes: Uint8Array): ExecutorConfig {
  const json = parseJson(bytes);
  if (typeof json !== "object" || json === null) {
    throw new ExecutorWireError("Cannot read executor configuration: it is no JSON object");
  }
  const { version, idleTimeoutMs } = json as { version?: unknown; idleTimeoutMs?: unknown };
  if (version !== CONFIG_VERSION) {
    throw new ExecutorWireError(
      `Cannot read executor configuration: version ${JSON.stringify(version)}, this Brigade reads ${CONFIG_VERSION}`,
    );
  }
  if (typeof idleTimeoutMs !== "number" || !(idleTimeoutMs >= 0)) {
    throw new ExecutorWireError(
      `Cannot read executor configuration: idleTimeoutMs is ${JSON.stringify(idleTimeoutMs)}, must be 0 or more`,
    );
  }
  return { idleTimeoutMs };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes) ?? "");
  } catch (cause) {
    throw new ExecutorWireError("Cannot read executor configuration: it is not JSON", { cause });
  }
}
