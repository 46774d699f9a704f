import { describeError } from "../base/errors.ts";
import type { AgentPolicy } from "../config/agent-policy.ts";
import type { RunOutcome } from "../engine/ports.ts";
import type { RunRequest } from "../engine/run-wire.ts";
import { admit, RefusedByPolicyError } from "./admission.ts";
import type { ClosablePrograms } from "./isolated-programs.ts";
import { PendingRun } from "./pending-run.ts";
import type { PolicyFile } from "./policy-file.ts";
import { neverRan, type ProgramEnd, type ProgramHandle } from "./programs.ts";
import { SecretError } from "./secret-files.ts";
import { notStartable } from "./start-failure.ts";

/** Lets only that run which the agent's policy allows, and gives it its secrets. */
export class GuardedPrograms implements ClosablePrograms {
  readonly #programs: ClosablePrograms;
  readonly #policy: Pick<PolicyFile, "current">;
  readonly #onHost: boolean;

  /** @param onHost see {@link admit} */
  constructor(programs: ClosablePrograms, policy: Pick<PolicyFile, "current">, { onHost }: { onHost: boolean }) {
    this.#programs = programs;
    this.#policy = policy;
    this.#onHost = onHost;
  }

  start(runKey: string, request: RunRequest, onEnd: (end: ProgramEnd) => void): ProgramHandle {
    const refuse = (error: unknown): ProgramHandle => {
      const end = endOf(error, request.spec);
      queueMicrotask(() => onEnd(end));
      return { kill: () => undefined };
    };
    const startUnder = (policy: AgentPolicy): ProgramHandle => {
      try {
        const spec = admit(request.spec, policy, this.#onHost);
        return this.#programs.start(runKey, { ...request, spec }, onEnd);
      } catch (error) {
        return refuse(error);
      }
    };

    let policy: AgentPolicy | Promise<AgentPolicy>;
    try {
      policy = this.#policy.current();
    } catch (error) {
      return refuse(error);
    }
    if (!(policy instanceof Promise)) return startUnder(policy);
    const run = new PendingRun(request, onEnd);
    policy.then(
      (loaded) => run.begin(() => startUnder(loaded)),
      (error: unknown) => void refuse(error),
    );
    return run;
  }

  killAll(): void {
    this.#programs.killAll();
  }

  close(): Promise<void> {
    return this.#programs.close();
  }
}

/** A policy that cannot be read is the agent's trouble: the run goes elsewhere. */
function endOf(error: unknown, spec: RunRequest["spec"]): ProgramEnd {
  const outcome = outcomeOf(error);
  if (outcome === undefined) return { type: "lost", message: describeError(error) };
  return neverRan(spec, outcome);
}

function outcomeOf(error: unknown): RunOutcome | undefined {
  if (error instanceof RefusedByPolicyError) return notStartable("option-refused", error.message);
  if (error instanceof SecretError) return notStartable("secret-missing", error.message);
  return undefined;
}
