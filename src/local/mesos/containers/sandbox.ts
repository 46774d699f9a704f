import { chownSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { BrigadeError } from "../../../base/errors.ts";
import type { AgentId, ContainerId, ExecutorId, FrameworkId } from "../../../mesos/types.ts";
import type { UserIds } from "./users.ts";

/** There is no folder for an executor: its tasks were never launched. */
export class SandboxError extends BrigadeError {
  override readonly name = "SandboxError";
  readonly code = "mesos-sandbox";
  readonly fault = "infrastructure";
}

export interface SandboxOwner {
  readonly frameworkId: FrameworkId;
  readonly executorId: ExecutorId;
}

/** Where all runs of an executor have their sandboxes; Mesos' own layout. */
export function runsPath(workDir: string, agentId: AgentId, { frameworkId, executorId }: SandboxOwner): string {
  return join(workDir, "slaves", agentId, "frameworks", frameworkId, "executors", executorId, "runs");
}

export function sandboxPath(workDir: string, agentId: AgentId, owner: SandboxOwner, containerId: ContainerId): string {
  return join(runsPath(workDir, agentId, owner), containerId);
}

/**
 * Makes the folder, points the link `latest` beside it there, and gives it to the user whose commands run in it.
 *
 * @param user undefined: it stays with the user of this process
 */
export function makeSandbox(path: string, user: UserIds | undefined): void {
  mkdirSync(path, { recursive: true });
  const latest = join(path, "..", "latest");
  rmSync(latest, { force: true });
  symlinkSync(path, latest);
  if (user !== undefined) chownSync(path, user.uid, user.gid);
}
