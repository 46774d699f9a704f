import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { describeError } from "../../../base/errors.ts";
import type { AgentSettings } from "../agent/agent-types.ts";
import type { ContainerEvent, ContainerLaunch } from "./containerizer.ts";
import type { FetchCache } from "./fetch-cache.ts";
import { fetchAll } from "./fetcher.ts";
import { makeSandbox, SandboxError, sandboxPath } from "./sandbox.ts";
import { findUser, type UserIds } from "./users.ts";

export interface Surroundings {
  readonly workDir: string;
  readonly settings: AgentSettings;
  readonly cache: FetchCache;
  readonly clock: Clock;
}

/** What every container has, whatever runs it: a sandbox, with the command's files in it. */
export interface Prepared {
  readonly sandbox: string;
  /** Who its commands run as; undefined: the user of this process. */
  readonly user: UserIds | undefined;
}

/**
 * Makes a container's sandbox and brings the files of its command there.
 *
 * @throws {SandboxError} there is not even a sandbox
 * @throws {Error} its files could not be had
 */
export async function prepare(
  container: ContainerLaunch,
  { workDir, settings, cache, clock }: Surroundings,
  signal: AbortSignal,
): Promise<Prepared> {
  const { containerId, frameworkId, framework, executor } = container;
  const owner = { frameworkId, executorId: executor.executorId };
  const sandbox = sandboxPath(workDir, settings.id, owner, containerId);
  const userName = executor.command?.user ?? framework.user;
  const found = findUser(userName);
  const user = found.type === "other" ? found.ids : undefined;
  try {
    makeSandbox(sandbox, user);
  } catch (error) {
    throw new SandboxError(`Failed to create executor directory '${sandbox}': ${describeError(error)}`);
  }
  if (found.type === "unknown") {
    const reason = `Failed to chown directory to '${userName}': No such user '${userName}'`;
    throw new SandboxError(`Failed to create executor directory '${sandbox}': ${reason}`);
  }
  const uris = executor.command?.uris ?? [];
  if (uris.length > 0) {
    const say = (line: string): void => appendFileSync(join(sandbox, "stderr"), `${line}\n`);
    try {
      await fetchAll({ uris, sandbox, user: userName, owner: user, clock, signal, say }, cache);
    } catch (cause) {
      // The reason stands in the sandbox; this is all that a real agent says, too.
      throw new Error(`Failed to fetch all URIs for container '${containerId}': exited with status 1`, { cause });
    }
  }
  signal.throwIfAborted();
  return { sandbox, user };
}

/** What becomes of a container that did not get as far as running. */
export function launchFailure(containerId: ContainerLaunch["containerId"], error: unknown): ContainerEvent {
  // Without its causes: those are for the log.
  const message = error instanceof Error ? error.message : String(error);
  return { type: error instanceof SandboxError ? "not-created" : "launch-failed", containerId, message };
}
