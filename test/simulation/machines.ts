import { join, resolve } from "node:path";

/** What is under test: the production code, or a copy of it in which a bug was planted. */
export interface Machines {
  readonly Engine: typeof import("../../src/engine/engine.ts")["Engine"];
  readonly FineRunner: typeof import("../../src/framework/fine-runner.ts")["FineRunner"];
  readonly FailedOverError: typeof import("../../src/framework/errors.ts")["FailedOverError"];
  readonly Session: typeof import("../../src/host/session.ts")["Session"];
  readonly SchedulerSubscription: typeof import("../../src/mesos/scheduler-subscription.ts")["SchedulerSubscription"];
  readonly ExecutorSubscription: typeof import("../../src/mesos/executor-subscription.ts")["ExecutorSubscription"];
  readonly StaleAssignmentError: typeof import("../../src/engine/errors.ts")["StaleAssignmentError"];
  readonly RecordRefusedError: typeof import("../../src/engine/errors.ts")["RecordRefusedError"];
  readonly TopicRefusedError: typeof import("../../src/engine/errors.ts")["TopicRefusedError"];
  readonly takeIdentity: typeof import("../../src/meta/identity.ts")["takeIdentity"];
  readonly saveIdentity: typeof import("../../src/meta/identity.ts")["saveIdentity"];
}

export const productionSource = resolve(import.meta.dir, "../../src");

/** @param source a folder like src/ */
export async function loadMachines(source: string = productionSource): Promise<Machines> {
  const load = async (path: string): Promise<unknown> => import(join(source, path));
  // A copy has the shape of the original.
  const { Engine } = (await load("engine/engine.ts")) as typeof import("../../src/engine/engine.ts");
  const errors = (await load("engine/errors.ts")) as typeof import("../../src/engine/errors.ts");
  const runner = (await load("framework/fine-runner.ts")) as typeof import("../../src/framework/fine-runner.ts");
  const framework = (await load("framework/errors.ts")) as typeof import("../../src/framework/errors.ts");
  const { Session } = (await load("host/session.ts")) as typeof import("../../src/host/session.ts");
  const scheduler = (await load(
    "mesos/scheduler-subscription.ts",
  )) as typeof import("../../src/mesos/scheduler-subscription.ts");
  const executor = (await load(
    "mesos/executor-subscription.ts",
  )) as typeof import("../../src/mesos/executor-subscription.ts");
  const identity = (await load("meta/identity.ts")) as typeof import("../../src/meta/identity.ts");
  return {
    Engine,
    FineRunner: runner.FineRunner,
    FailedOverError: framework.FailedOverError,
    Session,
    SchedulerSubscription: scheduler.SchedulerSubscription,
    ExecutorSubscription: executor.ExecutorSubscription,
    StaleAssignmentError: errors.StaleAssignmentError,
    RecordRefusedError: errors.RecordRefusedError,
    TopicRefusedError: errors.TopicRefusedError,
    takeIdentity: identity.takeIdentity,
    saveIdentity: identity.saveIdentity,
  };
}
