import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { deploymentLabel, processorLabel } from "../framework/framework-info.ts";
import { parseTaskId } from "../framework/task-id.ts";
import { OperatorRefusedError } from "../mesos/errors.ts";
import type { MasterFramework, MasterTask } from "../mesos/operator-answers.ts";
import type { OperatorClient } from "../mesos/operator-client.ts";
import type { FrameworkId } from "../mesos/types.ts";

/** A framework of an earlier life whose id is not stored any more. */
export interface FormerFramework {
  readonly id: FrameworkId;
  /** The highest epoch that its tasks show, as far as the master knows them; 0 where it knows none. */
  readonly lastEpoch: number;
}

export interface LookUpOptions {
  readonly operator: Pick<OperatorClient, "frameworks" | "tasks" | "recoveredAgents">;
  readonly deployment: string;
  readonly processor: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Why it takes so long, for people. */
  readonly onTrouble: (trouble: string) => void;
}

/** What the master told. */
export interface MasterKnowledge {
  /** Those that are ours by their labels. */
  readonly frameworks: readonly MasterFramework[];
  readonly tasks: readonly MasterTask[];
  /** Agents that it still expects back: a framework may be known to them alone. */
  readonly recoveredAgents: number;
}

export type LookUpDecision =
  | { readonly type: "none" }
  | { readonly type: "adopt"; readonly framework: FormerFramework; readonly others: readonly FrameworkId[] }
  | { readonly type: "wait"; readonly reason: string };

/** As long as the adoption of tasks waits for agents. */
const AGENTS_TIMEOUT_MS = 60_000;
/** A scheduler that has just died is connected until the master sees it; one that is ending may take this long. */
const CONNECTED_TIMEOUT_MS = 15_000;
const ASK_AGAIN_MS = 1000;
const RETRY: BackoffOptions = { initialMs: 500, maxMs: 15_000 };

/**
 * Looks for a live framework of this deployment and processor in the master. It is what the stored framework id is for,
 * and asked only where there is none: at the very first start, or because the state was lost.
 *
 * Asks until there is an answer. Where the master does not allow it, a new framework is the only way on: what the former
 * one runs, if there was one, is not found again, and its records run a second time.
 *
 * @returns undefined where there is none, or where it is not ours to know
 */
export async function findFormerFramework(options: LookUpOptions): Promise<FormerFramework | undefined> {
  const { clock, random, log, signal, onTrouble } = options;
  const startedMs = clock.monotonicMs();
  let failures = 0;
  for (;;) {
    try {
      const decision = decideLookUp(await ask(options), clock.monotonicMs() - startedMs);
      failures = 0;
      if (decision.type === "none") return undefined;
      if (decision.type === "adopt") {
        const { framework, others } = decision;
        log.warn("no framework id is stored: adopting the framework that the master has", {
          frameworkId: framework.id,
          lastEpoch: framework.lastEpoch,
        });
        if (others.length > 0)
          log.error("other frameworks of this processor are left over", { frameworkIds: others.join() });
        return framework;
      }
      onTrouble(decision.reason);
      await clock.sleep(ASK_AGAIN_MS, { signal });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof OperatorRefusedError) {
        log.warn(
          "no framework id is stored and the master does not tell whether there is a framework of an earlier life: " +
            "taking a new one. Should there be one, its tasks run on unseen and their records run again",
          { reason: error.message },
        );
        return undefined;
      }
      onTrouble(`no Mesos master answers: ${describeError(error)}`);
      await clock.sleep(backoffMs(RETRY, ++failures, random), { signal });
    }
  }
}

async function ask({ operator, deployment, processor, signal }: LookUpOptions): Promise<MasterKnowledge> {
  const all = await operator.frameworks({ signal });
  const frameworks = all.filter(({ labels }) => {
    const has = (key: string, value: string): boolean =>
      labels.some((label) => label.key === key && label.value === value);
    return has(deploymentLabel, deployment) && has(processorLabel, processor);
  });
  if (frameworks.length === 0) {
    return { frameworks, tasks: [], recoveredAgents: await operator.recoveredAgents({ signal }) };
  }
  const ids = new Set(frameworks.map(({ id }) => id));
  const tasks = (await operator.tasks({ signal })).filter(({ frameworkId }) => ids.has(frameworkId));
  return { frameworks, tasks, recoveredAgents: 0 };
}

/**
 * What follows from the master's answer. Pure.
 *
 * Of several frameworks the one with most live tasks is adopted: a second one comes from a life that could not ask. One
 * that is connected is waited for, since its scheduler may just be ending; but not for long: the host of a scheduler
 * that lost its power stays connected, to the master, for minutes.
 */
export function decideLookUp(
  { frameworks, tasks, recoveredAgents }: MasterKnowledge,
  waitedMs: number,
): LookUpDecision {
  const byTasks = frameworks
    .map((framework) => {
      const own = tasks.filter(({ frameworkId }) => frameworkId === framework.id);
      return { framework, own, live: own.filter(({ live }) => live).length };
    })
    .sort((a, b) => b.live - a.live);
  const [first, ...others] = byTasks;
  if (first === undefined) {
    if (recoveredAgents === 0 || waitedMs >= AGENTS_TIMEOUT_MS) return { type: "none" };
    const agents = recoveredAgents === 1 ? "1 agent has" : `${recoveredAgents} agents have`;
    return { type: "wait", reason: `${agents} not returned to the master yet, and may run tasks of an earlier life` };
  }
  const { id, connected } = first.framework;
  if (connected && waitedMs < CONNECTED_TIMEOUT_MS) {
    return { type: "wait", reason: `framework ${id} of this processor is connected: does another scheduler run?` };
  }
  const epochs = first.own.map(({ taskId }) => parseTaskId(taskId)?.epoch ?? 0);
  return {
    type: "adopt",
    framework: { id, lastEpoch: epochs.reduce((a, b) => Math.max(a, b), 0) },
    others: others.map(({ framework }) => framework.id),
  };
}
