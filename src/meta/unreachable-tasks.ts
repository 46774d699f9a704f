import { BrigadeError } from "../base/errors.ts";
import type { UnreachableTask } from "../framework/keeper-api.ts";
import type { OperatorClient } from "../mesos/operator-client.ts";
import type { FrameworkId } from "../mesos/types.ts";

/** The master does not let us see our own framework. */
export class TasksHiddenError extends BrigadeError {
  override readonly name = "TasksHiddenError";
  readonly code = "tasks-hidden";
  readonly fault = "infrastructure";
}

/**
 * Tasks of the framework on agents that the master does not reach. A reconciliation tells of these only where it names
 * them, and whoever has just started does not know their names.
 *
 * @throws {TasksHiddenError} the master shows nothing of the framework, and so nothing of its tasks
 */
export async function unreachableTasks(
  operator: Pick<OperatorClient, "frameworks" | "tasks">,
  frameworkId: FrameworkId,
  signal: AbortSignal,
): Promise<readonly UnreachableTask[]> {
  const frameworks = await operator.frameworks({ signal });
  if (!frameworks.some(({ id }) => id === frameworkId)) {
    throw new TasksHiddenError(
      `Cannot see framework ${frameworkId} in the master: overlap "forbid" needs the ACLs view_frameworks and view_tasks`,
    );
  }
  const tasks = await operator.tasks({ signal });
  return tasks.flatMap(({ frameworkId: owner, taskId, unreachableAgentId }) => {
    return owner === frameworkId && unreachableAgentId !== undefined ? [{ taskId, agentId: unreachableAgentId }] : [];
  });
}
