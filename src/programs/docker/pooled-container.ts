import { BrigadeError } from "../../base/errors.ts";
import { judge } from "../../engine/faults.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import type { RunRequest } from "../../engine/run-wire.ts";
import type { ProgramEnd, ProgramHandle } from "../programs.ts";
import type { EngineWatch } from "./engine-watch.ts";

/** How a container came to its end while no run was in it. */
export type ContainerEnd =
  | { readonly type: "exited"; readonly message: string }
  /** Its Engine is gone. */
  | { readonly type: "lost" };

/** A container that is made ahead of its runs. */
export interface PooledContainer {
  /**
   * Makes it, up to the point where it waits for a run.
   *
   * @throws {NeverRanError} it cannot be made as it is specified, or is not wanted any more
   * @throws {BrigadeError} the place of execution failed
   */
  make(): Promise<void>;
  /** Of one that was made: resolves when it is there no more. */
  readonly ended: Promise<ContainerEnd>;
  /** Of one that was made, and is empty. */
  begin(runKey: string, request: RunRequest): PooledRun;
  /**
   * Also while it is being made, which then comes to nothing.
   *
   * @throws {EngineLostError | EngineRefusedError} it may still be there
   */
  remove(): Promise<void>;
}

/** A run in such a container. */
export interface PooledRun extends ProgramHandle {
  /** Never rejects. "not-begun": the container had ended before the program could begin. */
  end(): Promise<ProgramEnd | "not-begun">;
  /** After the end: clears the container for the next run. @returns whether there can be one. Never rejects. */
  leave(): Promise<boolean>;
}

/** @param exit of its first process, in the Engine's life of that number */
export async function howItEnded(
  exit: Promise<RunOutcome>,
  watch: EngineWatch,
  generation: number,
): Promise<ContainerEnd> {
  try {
    const outcome = await exit;
    if (await watch.isIn(generation)) return { type: "exited", message: describeExit(outcome) };
  } catch (error) {
    // Nobody knows: the Engine does not answer, or somebody has removed the container.
    if (!(error instanceof BrigadeError) || error.fault === "bug") throw error;
  }
  return { type: "lost" };
}

/** In words. */
export function describeExit(outcome: RunOutcome): string {
  const verdict = judge(outcome);
  return "reason" in verdict ? verdict.reason : "exit code 0";
}
