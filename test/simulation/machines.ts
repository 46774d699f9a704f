import { join, resolve } from "node:path";
import type * as EngineModule from "../../src/engine/engine.ts";
import type * as EngineErrors from "../../src/engine/errors.ts";
import type * as FrameworkErrors from "../../src/framework/errors.ts";
import type * as FineRunnerModule from "../../src/framework/fine-runner.ts";
import type * as SessionModule from "../../src/host/session.ts";
import type * as ExecutorSubscriptionModule from "../../src/mesos/executor-subscription.ts";
import type * as SchedulerSubscriptionModule from "../../src/mesos/scheduler-subscription.ts";
import type * as FormerFrameworkModule from "../../src/meta/former-framework.ts";
import type * as IdentityModule from "../../src/meta/identity.ts";
import type * as StoredVersionsModule from "../../src/meta/stored-versions.ts";
import type * as UnreachableTasksModule from "../../src/meta/unreachable-tasks.ts";

/** What is under test: the production code, or a copy of it in which a bug was planted. */
export type Machines = Pick<typeof EngineModule, "Engine"> &
  Pick<typeof EngineErrors, "StaleAssignmentError" | "RecordRefusedError" | "TopicRefusedError"> &
  Pick<typeof FineRunnerModule, "FineRunner"> &
  Pick<typeof FrameworkErrors, "FailedOverError"> &
  Pick<typeof SessionModule, "Session"> &
  Pick<typeof ExecutorSubscriptionModule, "ExecutorSubscription"> &
  Pick<typeof SchedulerSubscriptionModule, "SchedulerSubscription"> &
  Pick<typeof FormerFrameworkModule, "findFormerFramework"> &
  Pick<typeof IdentityModule, "takeIdentity" | "saveIdentity"> &
  Pick<typeof StoredVersionsModule, "StoredVersions"> &
  Pick<typeof UnreachableTasksModule, "unreachableTasks">;

const modules = [
  "engine/engine.ts",
  "engine/errors.ts",
  "framework/fine-runner.ts",
  "framework/errors.ts",
  "host/session.ts",
  "mesos/executor-subscription.ts",
  "mesos/scheduler-subscription.ts",
  "meta/former-framework.ts",
  "meta/identity.ts",
  "meta/stored-versions.ts",
  "meta/unreachable-tasks.ts",
];

export const productionSource = resolve(import.meta.dir, "../../src");

/** @param source a folder like src/ */
export async function loadMachines(source: string = productionSource): Promise<Machines> {
  const loaded: object[] = [];
  for (const path of modules) loaded.push((await import(join(source, path))) as object);
  // A copy has the shape of the original.
  return Object.assign({}, ...loaded) as Machines;
}
